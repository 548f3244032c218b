package import Cluster

/// What can be judged of secrets only once their values are there. Names are told, never values.
package enum RuntimeChecks {
    /// Spilo's own passwords, which everyone knows (FIELD §2).
    private static let publicDefaults = ["zalando", "standby", "cola", "admin", "postgres"]

    /// One sentence a secret that is missing, empty or of no use as a password; in order of names.
    package static func problems(of secrets: Secrets, for desired: Desired) -> [String] {
        let postgres = desired.postgres
        let users: [(SecretName, String)] = [
            (postgres.superuserSecret, "superuser"), (postgres.replicationSecret, "replication"),
            (postgres.adminSecret, "admin"),
        ]
        var problems: [String] = []
        for name in Set(desired.neededSecrets.keys).union(users.map(\.0)).sorted() {
            let roles = users.filter { $0.0 == name }.map(\.1)
            guard let secret = secrets[name] else {
                problems.append("the secret \(name) has no value; expected one from its source")
                continue
            }
            let text = secret.reveal()
            if text.isEmpty {
                problems.append("the secret \(name) is empty; expected a value from its source")
            } else if !roles.isEmpty, text.unicodeScalars.contains(where: isControl) {
                problems.append(
                    "the secret \(name) has a line break or another control character; expected"
                        + " a password on one line")
            } else if let control = text.unicodeScalars.first(where: {
                isControl($0) && !["\n", "\r", "\t"].contains($0)
            }) {
                let code = String(control.value, radix: 16, uppercase: true)
                problems.append(
                    "the secret \(name) has the control character U+\(code); expected text, which"
                        + " may have several lines")
            } else if let role = roles.first, text.contains("'") {
                problems.append(
                    "the secret \(name) has a single quote, which Spilo writes into its"
                        + " configuration as it is and cannot read back; expected a password"
                        + " without one for the \(role) user")
            } else if let role = roles.first, !text.utf8.allSatisfy({ $0 < 0x80 }) {
                problems.append(
                    "the secret \(name) has a character beyond ASCII, with which Patroni fails to"
                        + " start a cluster; expected a password without one for the \(role) user")
            } else if let role = roles.first, publicDefaults.contains(text) {
                problems.append(
                    "the secret \(name) is a public default of Spilo; expected a password of your"
                        + " own for the \(role) user")
            }
        }
        return problems
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || scalar.value == 0x7f
    }
}
