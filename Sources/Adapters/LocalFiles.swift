import Glibc

/// A local file that could not be read.
struct LocalFileFailure: Error, Equatable {
    var code: Int32
    var isMissing: Bool { code == ENOENT || code == ENOTDIR }
    /// The system's words.
    var text: String {
        switch code {
        case ENOENT, ENOTDIR: "no such file"
        case EACCES, EPERM: "permission denied"
        case EISDIR: "a directory"
        case EFBIG: "too large"
        default: "error \(code)"
        }
    }
}

enum LocalFiles {
    /// Nothing that we read here is larger: keys, configuration, known_hosts.
    private static let mostBytes = 16 << 20

    static func read(_ path: String) throws(LocalFileFailure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LocalFileFailure(code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var failure: Int32 = 0
        unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
            while true {
                let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0 && errno == EINTR { continue }
                if count < 0 { failure = errno }
                if count <= 0 { return }
                unsafe bytes.append(contentsOf: buffer[0..<count])
                if bytes.count > mostBytes {
                    failure = EFBIG
                    return
                }
            }
        }
        guard failure == 0 else { throw LocalFileFailure(code: failure) }
        return bytes
    }

    /// The paths that match a pattern, sorted; none where nothing matches.
    static func matches(_ pattern: String) -> [String] {
        var found = unsafe glob_t()
        defer { unsafe globfree(&found) }
        guard unsafe glob(pattern, 0, nil, &found) == 0 else { return [] }
        return unsafe (0..<Int(found.gl_pathc)).compactMap { index in
            unsafe found.gl_pathv[index].map { unsafe String(cString: $0) }
        }
    }
}
