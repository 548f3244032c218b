import Glibc
import Reporting

/// Files of the user's machine, with errors that name them.
enum LocalFile {
    /// More than any manifest, plan or observation has.
    private static let largest = 64 << 20

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = path == "-" ? dup(0) : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot be read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read", path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= largest else {
                throw Failure("\(path.safeForTerminal): is larger than \(largest >> 20) MiB")
            }
        }
    }

    /// All or nothing, readable by the user alone.
    static func write(_ text: String, to path: String) throws(Failure) {
        if path == "-" { return Console.write(text) }
        let temporary = "\(path).\(getpid()).part"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be written", path) }
        var bytes = Array(text.utf8)[...]
        var isWhole = true
        while !bytes.isEmpty, isWhole {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            isWhole = count > 0
            if isWhole { bytes = bytes.dropFirst(count) }
        }
        isWhole = isWhole && fsync(descriptor) == 0
        isWhole = close(descriptor) == 0 && isWhole
        guard isWhole, unsafe rename(temporary, path) == 0 else {
            let failure = failure("cannot be written", path)
            _ = unsafe unlink(temporary)
            throw failure
        }
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Names in a folder, sorted, without hidden ones.
    static func names(in folder: String) throws(Failure) -> [String] {
        guard let handle = unsafe opendir(folder) else {
            throw failure("cannot be read", folder)
        }
        defer { unsafe closedir(handle) }
        var names: [String] = []
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func failure(_ what: String, _ path: String) -> Failure {
        Failure("\(path.safeForTerminal): \(what): \(unsafe String(cString: strerror(errno)))")
    }
}
