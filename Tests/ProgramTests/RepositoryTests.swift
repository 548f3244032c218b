import Foundation
import Testing

@testable import matriarch

/// The commit that an apply's record names is read from `.git` as git lays it out; git is not run.
@Suite("The commit of a manifest's repository")
struct RepositoryTests {
    private let folder: Folder
    private let first = String(repeating: "a1", count: 20)
    private let second = String(repeating: "b2", count: 20)
    private var root: String { folder.url.path }

    init() throws { folder = try Folder() }

    private func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let file = folder.url.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    private func commit(in place: String = "") -> String? {
        Repository(around: place.isEmpty ? root : "\(root)/\(place)")?.commit
    }

    @Test("a branch's own file is read from any folder below")
    func branch() throws {
        try write([
            ".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": first + "\n",
            "clusters/eu/shop.yaml": "",
        ])
        #expect(commit() == first)
        #expect(commit(in: "clusters/eu") == first)
    }

    @Test("a packed branch is found by its whole name, and a loose one outweighs it")
    func packed() throws {
        try write([
            ".git/HEAD": "ref: refs/heads/main\n",
            ".git/packed-refs": """
            # pack-refs with: peeled fully-peeled sorted
            \(second) refs/heads/main-2
            \(first) refs/heads/main
            ^\(second)

            """,
        ])
        #expect(commit() == first)
        try write([".git/refs/heads/main": second])
        #expect(commit() == second)
    }

    @Test("a detached head is the commit itself, of either hash")
    func detached() throws {
        try write([".git/HEAD": first.uppercased() + "\n"])
        #expect(commit() == first)
        let long = first + String(repeating: "c", count: 24)
        try write([".git/HEAD": long])
        #expect(commit() == long)
    }

    @Test("a work tree has its own head and the branches of its repository")
    func workTree() throws {
        try write([
            "main/.git/HEAD": "ref: refs/heads/main\n", "main/.git/refs/heads/main": first,
            "main/.git/worktrees/side/HEAD": "ref: refs/heads/side\n",
            "main/.git/worktrees/side/commondir": "../..\n",
            "main/.git/refs/heads/side": second, "side/shop.yaml": "",
            "side/.git": "gitdir: \(root)/main/.git/worktrees/side\n",
            "relative/.git": "gitdir: ../main/.git/worktrees/side\n",
        ])
        #expect(commit(in: "side") == second)
        #expect(commit(in: "relative") == second)
        #expect(commit(in: "main") == first)
    }

    @Test(
        "no commit is told where there is none, or where a file says something else",
        arguments: [
            "ref: refs/heads/unborn", "ref: refs/../../secret", "ref: ../secret", "", "0123",
            String(repeating: "g", count: 40),
        ])
    func none(head: String) throws {
        try write(["secret": first, "refs/heads/secret": first, ".git/HEAD": head])
        #expect(commit() == nil)
    }

    @Test("a folder named .git without a head is no repository")
    func noRepository() throws {
        try write([".git/config": ""])
        #expect(commit() == nil)
    }
}
