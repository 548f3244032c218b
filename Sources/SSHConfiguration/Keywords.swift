extension ConfigurationPass {
    private static let readKeywords: Set<String> = [
        "host", "match", "include", "hostname", "user", "port", "identityfile", "identitiesonly",
        "identityagent", "proxyjump", "proxycommand", "userknownhostsfile",
        "globalknownhostsfile", "hostkeyalias", "stricthostkeychecking", "connecttimeout",
        "addressfamily",
    ]

    /// Keywords that change which server is reached or trusted, which we do not follow.
    private static let unfollowed: Set<String> = [
        "canonicalizehostname", "knownhostscommand", "revokedhostkeys", "certificatefile",
        "pkcs11provider", "bindaddress", "bindinterface", "proxyusefdpass",
    ]

    static func isRead(_ keyword: String) -> Bool { readKeywords.contains(keyword) }

    /// One line that is neither `Host`, `Match` nor `Include`. Checked even where it is inactive,
    /// as OpenSSH does.
    mutating func take(_ line: ConfigurationLine, isActive: Bool, place: String) {
        switch line.keyword {
        case "proxyjump":
            takeJump(line.restOfLine, isActive: isActive, place: place)
        case "proxycommand":
            guard isActive, options.proxy == nil else { return }
            let command = line.restOfLine
            options.proxy = Placed(
                value: command.lowercased() == "none" ? .none : .command(command), place: place)
        case _ where Self.isRead(line.keyword):
            guard let arguments = line.arguments else {
                return problem("a quote is not closed", at: place)
            }
            guard let first = arguments.first, arguments.allSatisfy({ !$0.isEmpty }) else {
                return problem("\(line.keyword) needs a value", at: place)
            }
            if line.keyword.hasSuffix("knownhostsfile") {
                takeKnownHosts(line.keyword, arguments, isActive: isActive, place: place)
            } else if arguments.count > 1 {
                problem("\(line.keyword) takes one value, found \(arguments.count)", at: place)
            } else {
                takeOne(line.keyword, first, isActive: isActive, place: place)
            }
        case _ where Self.unfollowed.contains(line.keyword) && isActive:
            guard unfollowedSeen.insert(line.keyword).inserted else { return }
            let value = line.arguments?.first?.lowercased() ?? ""
            if value != "no", value != "none", value != "false" {
                note(
                    "\(line.keyword) is not followed", at: place,
                    forbidsKeys: line.keyword == "revokedhostkeys")
            }
        default:
            break
        }
    }

    mutating func takeJump(_ text: String, isActive: Bool, place: String) {
        guard let hops = JumpHop.list(text) else {
            return problem(
                "ProxyJump \"\(text)\" is not a list of [user@]host[:port]", at: place)
        }
        guard isActive, options.proxy == nil else { return }
        options.proxy = Placed(value: hops.isEmpty ? .none : .jump(hops), place: place)
    }

    private mutating func takeKnownHosts(
        _ keyword: String, _ files: [String], isActive: Bool, place: String
    ) {
        let isNone = files.contains { $0.lowercased() == "none" }
        if isNone, files.count > 1 {
            return problem("\(keyword): \"none\" stands alone", at: place)
        }
        guard isActive else { return }
        let value = isNone ? [] : files
        if keyword == "userknownhostsfile" {
            options.userKnownHosts = options.userKnownHosts ?? Placed(value: value, place: place)
        } else {
            options.globalKnownHosts = options.globalKnownHosts ?? value
        }
    }

    private mutating func takeOne(
        _ keyword: String, _ value: String, isActive: Bool, place: String
    ) {
        switch keyword {
        case "hostname":
            keep(Placed(value: value, place: place), in: \.hostName, isActive)
        case "user":
            keep(value, in: \.user, isActive)
        case "identityfile":
            // A file named twice is tried once.
            if isActive, !options.identityFiles.contains(where: { $0.value == value }) {
                options.identityFiles.append(Placed(value: value, place: place))
            }
        case "identityagent":
            keep(Placed(value: value, place: place), in: \.identityAgent, isActive)
        case "hostkeyalias":
            keep(value, in: \.hostKeyAlias, isActive)
        case "port":
            guard let port = UInt16(value), port > 0 else {
                return problem("Port must be 1 to 65535, found \"\(value)\"", at: place)
            }
            keep(port, in: \.port, isActive)
        case "identitiesonly":
            guard let flag = Self.flag(value) else {
                return problem("IdentitiesOnly must be yes or no, found \"\(value)\"", at: place)
            }
            keep(flag, in: \.identitiesOnly, isActive)
        case "stricthostkeychecking":
            guard let checking = Self.checking(value) else {
                return problem(
                    "StrictHostKeyChecking must be yes, no, ask or accept-new, found \"\(value)\"",
                    at: place)
            }
            keep(checking, in: \.strictHostKeyChecking, isActive)
        case "addressfamily":
            guard let family = AddressFamily(rawValue: value.lowercased()) else {
                return problem(
                    "AddressFamily must be any, inet or inet6, found \"\(value)\"", at: place)
            }
            keep(family, in: \.addressFamily, isActive)
        case "connecttimeout":
            guard let limit = Self.time(value) else {
                return problem("ConnectTimeout must be a time, found \"\(value)\"", at: place)
            }
            keep(limit, in: \.connectTimeout, isActive)
        default:
            break
        }
    }

    private mutating func keep<Value>(
        _ value: Value, in path: WritableKeyPath<WrittenOptions, Value?>, _ isActive: Bool
    ) {
        if isActive, options[keyPath: path] == nil { options[keyPath: path] = value }
    }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "yes", "true": true
        case "no", "false": false
        default: nil
        }
    }

    private static func checking(_ text: String) -> HostKeyChecking? {
        switch text.lowercased() {
        case "yes", "true": .yes
        case "no", "false", "off": .no
        case "ask": .ask
        case "accept-new": .acceptNew
        default: nil
        }
    }

    /// `90`, `1m30s`, `none` (which is `.some(nil)`); `nil` for anything else.
    private static func time(_ text: String) -> Duration?? {
        if text == "none" { return .some(nil) }
        var total = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int(digits), number <= 1 << 31 else { return nil }
            rest = rest[digits.endIndex...]
            let factor: Int
            switch rest.popFirst() {
            case nil, "s", "S": factor = 1
            case "m", "M": factor = 60
            case "h", "H": factor = 3600
            case "d", "D": factor = 86_400
            case "w", "W": factor = 604_800
            default: return nil
            }
            total += number * factor
            guard total < 1 << 31 else { return nil }
        }
        return text.isEmpty ? nil : .some(.seconds(total))
    }
}

extension ConfigurationLine {
    /// All of it, for the keywords whose value ends with the line.
    var restOfLine: String { String(decoding: rest, as: UTF8.self) }
}
