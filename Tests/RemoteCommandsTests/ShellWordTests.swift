import TestProcesses
import Testing

@testable import RemoteCommands

@Suite("A word of the shell", .ownThreads)
struct ShellWordTests {
    @Test("what means nothing to a shell stays readable, everything else is quoted")
    func forms() throws {
        #expect(try ShellWord.quote("/opt/crm_1.2@x:y%z+a,b-c") == "/opt/crm_1.2@x:y%z+a,b-c")
        #expect(try ShellWord.quote("") == "''")
        #expect(try ShellWord.quote("~") == "'~'")
        #expect(try ShellWord.quote("a=b") == "'a=b'")
        #expect(try ShellWord.quote("it's") == "'it'\\''s'")
    }

    @Test("a NUL byte is refused, not cut off")
    func nul() {
        #expect(throws: UnquotableText(text: "a\0b")) { try ShellWord.quote("a\0b") }
        #expect(
            UnquotableText(text: "a\0b").description
                == "\"a\\0b\" holds a NUL byte, which no command can carry")
    }

    @Test("no text is taken apart, expanded or run by a real shell", arguments: Shell.all)
    func survives(shell: Shell) throws {
        var generator = Seeded(state: 7)
        let alphabet: [Character] = [
            "'", "\"", "\\", "$", "`", "!", "#", "&", ";", "|", "(", ")", "<", ">", "*", "?", "[",
            "]", "{", "}", "~", "=", "%", " ", "\t", "\n", "\r", "\u{1}", "\u{7f}", "a", "é", "✓",
            "\u{2028}", "-",
        ]
        var texts = ["$(touch x)", "`id`", "-n", "\n", "a\n", "'\\''", "${HOME}", "!!"]
        for _ in 0..<300 {
            let length = Int.random(in: 0...12, using: &generator)
            texts.append(
                String((0..<length).compactMap { _ in alphabet.randomElement(using: &generator) }))
        }
        let words = try texts.map { try ShellWord.quote($0) }.joined(separator: " ")
        let answer = try shell.run(
            Script("for word in \(words); do printf '%s|\\n|' \"$word\"; done", limit: .seconds(9)))
        #expect(answer.errors == "")
        #expect(answer.output == texts.map { $0 + "|\n|" }.joined())
    }
}
