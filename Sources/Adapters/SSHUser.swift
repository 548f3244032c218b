import CShims
import Glibc
package import SSHConfiguration

/// Whose `ssh` we act as: what the OpenSSH client would know of its user, and the files it reads.
package struct SSHUser: Sendable {
    package var facts: LocalFacts
    /// In OpenSSH's order, with where relative includes begin.
    package var configurationFiles: [String: ConfigurationFile.Scope]
    private var order: [String]

    package init(facts: LocalFacts, userFile: String, systemFile: String) {
        self.facts = facts
        configurationFiles = [userFile: .user, systemFile: .system]
        order = [userFile, systemFile]
    }

    /// The user that runs this process.
    package static func current() -> SSHUser {
        let id = getuid()
        var name = "\(id)"
        var home = "/"
        if let entry = unsafe getpwuid(id) {
            if let text = unsafe entry.pointee.pw_name { unsafe name = String(cString: text) }
            if let text = unsafe entry.pointee.pw_dir { unsafe home = String(cString: text) }
        }
        var host = [UInt8](repeating: 0, count: 256)
        let known = unsafe host.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return Int32(-1) }
            return unsafe gethostname(
                base.assumingMemoryBound(to: CChar.self), buffer.count - 1)
        }
        let facts = LocalFacts(
            userName: name, userID: id, home: home,
            hostName: known == 0 ? String(decoding: host.prefix { $0 != 0 }, as: UTF8.self) : "",
            environment: environmentOfProcess())
        return SSHUser(
            facts: facts, userFile: "\(home)/.ssh/config", systemFile: "/etc/ssh/ssh_config")
    }

    /// The configuration as it is in the files now. Files that cannot be read count as empty, as
    /// they do for `ssh`.
    func configuration() -> OpenSSHConfiguration {
        let files = order.compactMap { path in
            Self.load(path, scope: configurationFiles[path] ?? .user)
        }
        return OpenSSHConfiguration(files: files, local: facts) { pattern in
            LocalFiles.matches(pattern).compactMap { Self.load($0, scope: .user) }
        }
    }

    private static func load(_ path: String, scope: ConfigurationFile.Scope) -> ConfigurationFile? {
        guard let bytes = try? LocalFiles.read(path) else { return nil }
        return ConfigurationFile(
            name: path, text: String(decoding: bytes, as: UTF8.self), scope: scope)
    }
}

private func environmentOfProcess() -> [String: String] {
    var found: [String: String] = [:]
    var index = 0
    while let entry = unsafe environ[index] {
        let text = unsafe String(cString: entry)
        if let equals = text.firstIndex(of: "=") {
            found[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        index += 1
    }
    return found
}
