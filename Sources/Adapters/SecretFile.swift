import Glibc

/// A file that holds a secret.
struct SecretFile {
    var content: Result<[UInt8], SourceProblem>
    /// Something about it that is worth knowing.
    var warning: String?

    /// Reads one byte more than `limit` at the most.
    static func read(_ path: String, in folder: String, limit: Int) -> SecretFile {
        let full = path.hasPrefix("/") ? path : "\(folder)/\(path)"
        let descriptor = unsafe open(full, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return problem(path, full, errno) }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { return problem(path, full, errno) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(
                    descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { return problem(path, full, errno) }
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        let isFile = facts.st_mode & S_IFMT == S_IFREG
        let isOpen = facts.st_mode & S_IROTH != 0
        return SecretFile(
            content: .success(bytes),
            warning: isFile && isOpen
                ? "every user of this machine can read \(path); run chmod 600 \(path)" : nil)
    }

    private static func problem(_ path: String, _ full: String, _ code: Int32) -> SecretFile {
        let found: String
        let advice: String
        switch code {
        case ENOENT, ENOTDIR:
            found = "there is no file \(path)"
            advice = path == full ? "create it" : "create it as \(full)"
        case EACCES, EPERM:
            found = "the file \(path) may not be read"
            advice = "make it readable for this user"
        case EISDIR:
            found = "\(path) is a directory"
            advice = "name a file in it"
        default:
            found = "the file \(path) cannot be read (error \(code))"
            advice = "look at it by hand"
        }
        return SecretFile(content: .failure(SourceProblem(found: found, advice: advice)))
    }
}
