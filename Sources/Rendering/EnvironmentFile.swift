import Cluster

/// Env files, as compose reads them.
///
/// Values are in double quotes, where compose knows escapes for each character that means
/// something to it. Single quotes cannot hold a single quote, nor end in a backslash.
enum EnvironmentFile {
    /// Values that hold secrets, for the container's user's eyes only.
    static func path(_ service: ServiceName) -> String { "env/\(service).env" }
    static func firstStartPath(_ service: ServiceName) -> String {
        "env/\(service).first-start.env"
    }

    /// Whose env file that is, by its path; `nil` for any other file.
    static func service(of path: String) -> ServiceName? {
        guard path.hasPrefix("env/"), path.hasSuffix(".env") else { return nil }
        let name = path.dropFirst("env/".count).dropLast(".env".count)
        let firstStart = ".first-start"
        let service = name.hasSuffix(firstStart) ? name.dropLast(firstStart.count) : name
        guard !service.isEmpty, !service.contains("/") else { return nil }
        return ServiceName(String(service))
    }

    /// The env files that the service's entry in compose.yaml names, in the same order.
    static func files(of spec: ContainerSpec) -> [FileSpec] {
        var files: [FileSpec] = []
        let secret = spec.environment.filter(\.value.isSensitive)
        if !secret.isEmpty {
            let text = text(secret.map { ($0.key, $0.value.reveal()) })
            files.append(
                FileSpec(
                    path: path(spec.service), content: ResolvedText(sensitive: Secret(text)),
                    mode: 0o600, comparison: .lines))
        }
        if !spec.firstStartEnvironment.isEmpty {
            files.append(firstStart(service: spec.service, settings: spec.firstStartEnvironment))
        }
        return files
    }

    static func firstStart(service: ServiceName, settings: [String: String]) -> FileSpec {
        FileSpec(
            path: firstStartPath(service),
            content: ResolvedText(text(settings.map { ($0.key, $0.value) })),
            comparison: .presence)
    }

    /// Whether compose reads this as a variable's name.
    static func canName(_ variable: String) -> Bool {
        guard let first = variable.utf8.first, !isDigit(first) else { return false }
        return variable.utf8.allSatisfy {
            isDigit($0) || $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")) ~= $0
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")) ~= $0
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= byte
    }

    private static func text(_ variables: [(String, String)]) -> String {
        var text =
            "# \(FileSpec.signature). Edit the manifest instead; changes here are overwritten.\n"
        for (variable, value) in variables.sorted(by: { $0.0 < $1.0 }) {
            text += "\(variable)=\(quote(value))\n"
        }
        return text
    }

    static func quote(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "$")
                && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r")
        }
        if isPlain { return "\"" + value + "\"" }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\", "$":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
