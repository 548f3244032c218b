import Glibc

/// The git repository around a folder, read without running git: what its hooks, filters or
/// configuration would do is not ours to start.
struct Repository {
    /// Of this work tree: `HEAD`.
    private let own: String
    /// Shared by all work trees of a repository: branches.
    private let common: String

    /// The nearest one at or above a folder.
    init?(around folder: String) {
        var place = folder.hasPrefix("/") ? folder : "\(Self.currentFolder)/\(folder)"
        // As deep as any path may be.
        for _ in 0..<2048 {
            if let found = Self.open("\(place)/.git") {
                own = found
                let shared = Self.line(of: "\(found)/commondir")
                common = shared.map { $0.hasPrefix("/") ? $0 : "\(found)/\($0)" } ?? found
                return
            }
            guard let slash = place.lastIndex(of: "/") else { return nil }
            place = String(place[..<slash])
        }
        return nil
    }

    /// What is checked out; `nil` where there is no commit yet.
    var commit: String? {
        guard let head = Self.line(of: "\(own)/HEAD") else { return nil }
        guard head.hasPrefix("ref: ") else { return Self.checked(head) }
        let name = String(head.dropFirst(5))
        guard name.hasPrefix("refs/"), !name.split(separator: "/").contains("..") else {
            return nil
        }
        if let loose = Self.line(of: "\(own)/\(name)") ?? Self.line(of: "\(common)/\(name)") {
            return Self.checked(loose)
        }
        guard let packed = try? LocalFile.read("\(common)/packed-refs") else { return nil }
        for line in packed.split(separator: UInt8(ascii: "\n")) {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 1)
            if words.count == 2, words[1] == name { return Self.checked(String(words[0])) }
        }
        return nil
    }

    /// The folder that `.git` is, or that it names, as in a work tree or a submodule.
    private static func open(_ path: String) -> String? {
        if LocalFile.isFolder(path) { return line(of: "\(path)/HEAD") == nil ? nil : path }
        guard let line = line(of: path), line.hasPrefix("gitdir: ") else { return nil }
        let target = String(line.dropFirst(8))
        return target.hasPrefix("/")
            ? target : "\(path.dropLast(".git".count))\(target)"
    }

    private static func line(of path: String) -> String? {
        guard !LocalFile.isFolder(path), let bytes = try? LocalFile.read(path) else { return nil }
        let line = bytes.prefix(4096).prefix { $0 != UInt8(ascii: "\n") }
        return String(decoding: line, as: UTF8.self)
    }

    /// SHA-1 or SHA-256 in hexadecimal, and nothing else.
    private static func checked(_ text: String) -> String? {
        let isDigest =
            (text.utf8.count == 40 || text.utf8.count == 64) && text.allSatisfy(\.isHexDigit)
        return isDigest ? text.lowercased() : nil
    }

    private static var currentFolder: String {
        guard let path = unsafe getcwd(nil, 0) else { return "" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }
}
