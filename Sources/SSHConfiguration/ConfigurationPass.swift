/// A value of a file with where it stands.
struct Placed<Value> {
    var value: Value
    var place: String
}

/// The values as written, before expansion. The first one of each keyword wins.
struct WrittenOptions {
    var hostName: Placed<String>?
    var user: String?
    var port: UInt16?
    var identityFiles: [Placed<String>] = []
    var identitiesOnly: Bool?
    var identityAgent: Placed<String>?
    var proxy: Placed<Proxy>?
    var userKnownHosts: Placed<[String]>?
    var globalKnownHosts: [String]?
    var hostKeyAlias: String?
    var strictHostKeyChecking: HostKeyChecking?
    /// `.some(nil)` for `none`.
    var connectTimeout: Duration??
    var addressFamily: AddressFamily?

    /// `ProxyJump` and `ProxyCommand` share one place: the first of the two wins.
    enum Proxy {
        case none
        case jump([JumpHop])
        case command(String)
    }
}

/// One reading of the configuration, for one destination.
struct ConfigurationPass {
    let destination: Destination
    let local: LocalFacts
    let include: (String) -> [ConfigurationFile]
    /// What `Host` patterns are matched with: in the final pass, the name to connect to.
    private var matchedHost: String
    private(set) var isFinal = false
    private(set) var wantsFinalPass = false
    var options = WrittenOptions()
    private(set) var notes: [ConfigurationRemark] = []
    /// Keywords that we do not follow and that were set: as everywhere, the first value counts.
    var unfollowedSeen: Set<String> = []
    private(set) var problems: [ConfigurationRemark] = []

    init(
        destination: Destination, local: LocalFacts,
        include: @escaping (String) -> [ConfigurationFile]
    ) {
        self.destination = destination
        self.local = local
        self.include = include
        matchedHost = destination.host
        options.user = destination.user
        options.port = destination.port
        options.identityFiles = destination.identityFiles.map {
            Placed(value: $0, place: "identity")
        }
        if !destination.userKnownHostsFiles.isEmpty {
            options.userKnownHosts = Placed(
                value: destination.userKnownHostsFiles, place: "known hosts")
        }
        if let jump = destination.proxyJump {
            takeJump(jump, isActive: true, place: "jump")
        }
    }

    mutating func read(_ files: [ConfigurationFile]) {
        for file in files {
            var isActive = true
            read(file, scope: file.scope, isActive: &isActive, depth: 0)
        }
    }

    /// `Match final` asked for it. What the first pass found stays.
    mutating func readAgain(_ files: [ConfigurationFile]) {
        matchedHost = targetHost.lowercased()
        isFinal = true
        read(files)
    }

    /// The name to connect to, as far as it is known by now.
    var targetHost: String {
        if isFinal { return matchedHost }
        guard let written = options.hostName else { return destination.host }
        let expansion = Expansion(tokens: ["h": destination.host], local: local)
        return (try? expansion.substitute(written.value, variables: false)) ?? written.value
    }

    mutating func note(_ text: String, at place: String, forbidsKeys: Bool = false) {
        let remark = ConfigurationRemark(place: place, text: text, forbidsKeys: forbidsKeys)
        if !notes.contains(remark) { notes.append(remark) }
    }

    mutating func problem(_ text: String, at place: String) {
        let remark = ConfigurationRemark(place: place, text: text)
        if !problems.contains(remark) { problems.append(remark) }
    }

    private mutating func read(
        _ file: ConfigurationFile, scope: ConfigurationFile.Scope, isActive: inout Bool, depth: Int
    ) {
        // Inside an inactive block nothing of an included file can become active.
        let mayMatch = isActive
        let lines = Array(file.text.utf8)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            guard let line = ConfigurationLine(bytes, number: index + 1) else { continue }
            let place = "\(file.name):\(line.number)"
            guard !line.rest.isEmpty else {
                if Self.isRead(line.keyword) {
                    problem("\(line.keyword) needs a value", at: place)
                }
                continue
            }
            switch line.keyword {
            case "host":
                isActive = mayMatch && matchesHost(line, place: place)
            case "match":
                isActive = matches(line, place: place) && mayMatch
            case "include":
                if isActive { includeFiles(line, scope: scope, place: place, depth: depth) }
            default:
                take(line, isActive: isActive, place: place)
            }
        }
    }

    private mutating func includeFiles(
        _ line: ConfigurationLine, scope: ConfigurationFile.Scope, place: String, depth: Int
    ) {
        guard depth < 16 else {
            return problem("more than 16 files include each other", at: place)
        }
        guard let patterns = line.arguments else {
            return problem("a quote is not closed", at: place)
        }
        for pattern in patterns {
            let path: String
            if pattern.hasPrefix("/") {
                path = pattern
            } else if pattern.hasPrefix("~") {
                guard scope == .user else {
                    problem("\"~\" has no meaning in a system file: \(pattern)", at: place)
                    continue
                }
                do throws(Expansion.Failure) {
                    path = try Expansion(tokens: [:], local: local).tilde(pattern)
                } catch {
                    problem("\(pattern): \(error.reason)", at: place)
                    continue
                }
            } else {
                path = (scope == .user ? "\(local.home)/.ssh/" : "/etc/ssh/") + pattern
            }
            for file in include(path) {
                var isActive = true
                read(file, scope: scope, isActive: &isActive, depth: depth + 1)
            }
        }
    }

    private mutating func matchesHost(_ line: ConfigurationLine, place: String) -> Bool {
        guard let patterns = line.arguments else {
            problem("a quote is not closed", at: place)
            return false
        }
        var found = false
        for pattern in patterns {
            let negated = pattern.hasPrefix("!")
            let bare = negated ? pattern.dropFirst() : pattern[...]
            guard Pattern.matches(bare.utf8, matchedHost.utf8) else { continue }
            if negated { return false }
            found = true
        }
        return found
    }

    /// Criteria of `Match`, all of which must hold.
    private mutating func matches(_ line: ConfigurationLine, place: String) -> Bool {
        var scanner = WordScanner(line.rest[...])
        var result = true
        var count = 0
        while let word = scanner.next(), !word.isEmpty, word.first != UInt8(ascii: "#") {
            let negated = word.first == UInt8(ascii: "!")
            let name = String(
                decoding: (negated ? word.dropFirst() : word[...]).map(\.lowercased), as: UTF8.self)
            if name == "all" {
                if let next = scanner.next(), !next.isEmpty, next.first != UInt8(ascii: "#") {
                    problem("\"all\" stands alone in Match", at: place)
                } else if count > 1 {
                    problem("\"all\" stands alone in Match", at: place)
                }
                return result && !negated
            }
            count += 1
            if name == "final" || name == "canonical" {
                if name == "final" { wantsFinalPass = true }
                result = result && isFinal != negated
                continue
            }
            guard let argument = scanner.next(), !argument.isEmpty,
                argument.first != UInt8(ascii: "#")
            else {
                problem("Match \(name) needs a value", at: place)
                return false
            }
            switch holds(name, argument, place: place) {
            case .some(let holds): result = result && holds != negated
            case .none: result = false
            }
        }
        return result
    }

    /// - Returns: `nil` when it cannot be told.
    private mutating func holds(_ criterion: String, _ argument: [UInt8], place: String) -> Bool? {
        switch criterion {
        case "host":
            return Pattern.list(argument, matches: Array(targetHost.utf8), foldingCase: true)
        case "originalhost":
            return Pattern.list(argument, matches: Array(destination.host.utf8), foldingCase: true)
        case "user":
            let user = options.user ?? local.userName
            return Pattern.list(argument, matches: Array(user.utf8), foldingCase: false)
        case "localuser":
            return Pattern.list(argument, matches: Array(local.userName.utf8), foldingCase: false)
        case "exec":
            note("Match exec is not run; its block counts as not matching", at: place)
            return nil
        default:
            problem("Match does not know \"\(criterion)\"", at: place)
            return nil
        }
    }
}
