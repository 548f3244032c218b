/// A parser with the promises that hold for every input, whatever its bytes.
package struct FuzzTarget: Sendable {
    /// Of its corpus, its dictionary and its regressions.
    package let name: String
    private let promises: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, _ promises: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.promises = promises
    }

    /// Holds the parser to its promises for one input. A trap is a broken promise too.
    ///
    /// - Throws: `BrokenPromise`.
    package func check(_ bytes: [UInt8]) throws { try promises(bytes) }

    /// Every target, the most important first.
    package static let all = [
        FuzzTarget("manifest", ManifestPromises.check),
        FuzzTarget("probe", ProbePromises.check),
        FuzzTarget("docker", DockerPromises.check),
        FuzzTarget("patroni", PatroniPromises.check),
        FuzzTarget("etcd", EtcdPromises.check),
        FuzzTarget("haproxy", ProxyPromises.check),
        FuzzTarget("observation", ObservationPromises.check),
        FuzzTarget("plan", ReviewedPlanPromises.check),
        FuzzTarget("history", HistoryPromises.check),
        FuzzTarget("known-hosts", KnownHostsPromises.check),
        FuzzTarget("ssh-config", SSHConfigurationPromises.check),
    ]

    /// - Returns: `nil` where no target has this name.
    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// What a parser promised and did not keep.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String
}

/// - Throws: `BrokenPromise`, with the text, unless the promise holds.
func promise(_ holds: Bool, _ text: @autoclosure () -> String) throws {
    guard !holds else { return }
    throw BrokenPromise(description: text())
}

/// Reads twice: the same bytes mean the same.
///
/// - Returns: what was read; `nil` after an error, which has to be `Failure` and fit for a terminal.
func reading<Value: Equatable, Failure: Error & CustomStringConvertible>(
    _ what: String, as failure: Failure.Type, _ read: () throws -> Value
) throws -> Value? {
    let first = Result { try read() }
    let second = Result { try read() }
    switch (first, second) {
    case (.success(let one), .success(let other)):
        try promise(one == other, "\(what): two readings of the same bytes differ")
        return one
    case (.failure(let one), .failure(let other)):
        guard let typed = one as? Failure else {
            throw BrokenPromise(description: "\(what): an error of another type: \(one)")
        }
        try promise("\(one)" == "\(other)", "\(what): two errors: \(one) and \(other)")
        try promise(
            typed.description.isFitForPeople, "\(what): an error with control characters: \(typed)")
        return nil
    default: throw BrokenPromise(description: "\(what): read once and refused once")
    }
}

extension String {
    /// Not empty, and nothing in it acts on a terminal. Line breaks may be there.
    var isFitForPeople: Bool {
        !isEmpty
            && unicodeScalars.allSatisfy { scalar in
                switch scalar.value {
                case 0x0a: true
                case 0..<0x20, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: false
                default: true
                }
            }
    }
}
