package import Foundation

/// Writes a program that a test then runs: `text` is a script, with its first line.
///
/// Another process copies it into place: a child that a test beside this one starts would inherit
/// the open file for a moment, and Linux refuses to run what is open for writing (`ETXTBSY`).
package func writeProgram(_ text: String, to url: URL) throws {
    let path = url.path(percentEncoded: false)
    let draft = path + ".text"
    try Data(text.utf8).write(to: URL(filePath: draft))
    let copy = Process()
    copy.executableURL = URL(filePath: "/usr/bin/install")
    copy.arguments = ["-m", "755", "--", draft, path]
    try copy.run()
    copy.waitUntilExit()
    guard copy.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
    try FileManager.default.removeItem(atPath: draft)
}
