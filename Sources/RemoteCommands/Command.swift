package import Cluster

/// A POSIX `sh` script with what it reads on standard input, for one node. Built as a value,
/// run elsewhere, compared whole in tests.
///
/// The script itself never holds a secret: it is visible in the node's process list (S10).
/// Secrets travel in `input`.
package struct Script: Hashable, Sendable {
    package var text: String
    package var input: Input
    /// How long it may take before its outcome counts as unknown.
    package var limit: Duration
    package enum Input: Hashable, Sendable {
        case none
        case plain(String)
        case sensitive(Secret)
    }
    package init(_ text: String, input: Input = .none, limit: Duration) {
        self.text = text
        self.input = input
        self.limit = limit
    }
}

/// A script that only reads (S12).
package struct Query: Hashable, Sendable {
    package var script: Script
    package init(_ script: Script) { self.script = script }
}

/// A script that changes a node.
package struct Command: Hashable, Sendable {
    /// For people: `recreate postgres-2`.
    package var summary: String
    package var script: Script
    package init(_ summary: String, _ script: Script) {
        self.summary = summary
        self.script = script
    }
}
