import Planning

extension Cause {
    /// One line for people, already safe to show.
    var line: String {
        switch self {
        case .field(let name, let from, let to):
            let change = ValueChange(field: name, from: from, to: to)
            return "\(name.safeForTerminal)  \(change.from) → \(change.to)"
        case .missing(let what): return what.safeForTerminal
        case .broken(let evidence): return evidence.safeForTerminal
        case .topology(let reason): return reason.safeForTerminal
        case .leftManifest: return "no longer in the manifest"
        }
    }
}

extension Note {
    /// One line for people, already safe to show.
    var line: String {
        switch self {
        case .unreachable(let object, let reason):
            "\(object) could not be looked at, and nothing is planned for it: \(reason)"
                .safeForTerminal
        case .adopted(let address):
            "\(address) was not made by Matriarch and matches: it is left running"
                .safeForTerminal
        case .undeclared(let object, let what):
            "\(object): \(what)".safeForTerminal
        case .down(let object, let reason):
            "\(object) is down: \(reason)".safeForTerminal
        case .advice(let text): text.safeForTerminal
        }
    }
}
