import CShims
import Glibc
import LibSSH2

/// A directory that only this user can enter, for tunnels' sockets; removed with everything in it.
final class TunnelDirectory {
    private let path: String
    private var count = 0

    init() throws(SSHError) {
        // A socket's path has room for 107 bytes, so a deep TMPDIR will not do.
        var candidates = ["/tmp"]
        if let place = unsafe getenv("TMPDIR") {
            candidates.insert(unsafe String(cString: place), at: 0)
        }
        for candidate in candidates where candidate.utf8.count <= 60 {
            var template = Array("\(candidate)/matriarch-XXXXXX".utf8CString)
            // mkdtemp makes it with mode 0700.
            if unsafe mkdtemp(&template) != nil {
                path = String(
                    decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
                    as: UTF8.self)
                return
            }
        }
        throw .system(operation: "a directory for tunnels", code: errno, text: "cannot be made")
    }

    deinit { _ = unsafe rmdir(path) }

    func nextPath() -> String {
        count += 1
        return "\(path)/\(count)"
    }
}

/// A listening Unix socket; everybody who connects is handed on.
final class SSHTunnel: Sendable {
    let path: String
    private let listener: LocalListener

    init(path: String, accept: @escaping @Sendable (Descriptor) -> Void) throws(SSHError) {
        self.path = path
        listener = try LocalListener(path: path, accept: accept)
    }

    func close() { listener.close() }
}
