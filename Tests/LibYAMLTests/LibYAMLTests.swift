import Testing

@testable import LibYAML

struct LibYAMLTests {
    @Test("Marks count lines and characters from 1, whatever the bytes and line ends")
    func marks() throws {
        let text = "a: 1\r\nß€: { 'ключ': x }\n"
        for bytes in [Array(text.utf8), [0xef, 0xbb, 0xbf] + Array(text.utf8)] {
            let document = try #require(YAMLStream.parse(bytes).documents.first)
            let entries = document.entries
            #expect(entries.map(\.key) == ["a", "ß€"])
            #expect(entries.map(\.mark.description) == ["1:1", "2:1"])
            #expect(entries[1].value.entries.map(\.mark.description) == ["2:7"])
            #expect(entries[1].value.entries.map(\.value.mark.description) == ["2:15"])
        }
    }

    @Test("Style and tag of a scalar survive, so that the text \"1\" is not the number 1")
    func styles() throws {
        let text = "- a\n- 'b'\n- \"c\"\n- !!str 1\n- |\n  d\n- >\n  e\n"
        let document = try #require(parse(text).documents.first)
        guard case .sequence(let items) = document.content else {
            Issue.record("not a list")
            return
        }
        #expect(
            items.map(\.scalar) == [
                YAMLScalar(text: "a", style: .plain), YAMLScalar(text: "b", style: .singleQuoted),
                YAMLScalar(text: "c", style: .doubleQuoted), YAMLScalar(text: "1", style: .plain),
                YAMLScalar(text: "d\n", style: .literal), YAMLScalar(text: "e\n", style: .folded),
            ])
        #expect(items.map(\.tag) == [nil, nil, nil, "tag:yaml.org,2002:str", nil, nil])
    }

    @Test("Merged keys give way to what the mapping says itself, and the earlier source wins")
    func merge() throws {
        let text = """
            - &a { x: 1, y: 1 }
            - &b { y: 2, z: 2 }
            - { <<: [*a, *b], x: 3 }
            - { "<<": *a }
            """
        let document = try #require(parse(text).documents.first)
        #expect(document.plain == "[{x:1,y:1},{y:2,z:2},{x:3,y:1,z:2},{<<:{x:1,y:1}}]")
    }

    @Test("Every duplicate key is told at the key, with the place of the first")
    func duplicates() {
        let stream = parse("a: 1\nb: { c: 1, c: 2 }\na: 3\n<<: {}\n<<: {}\n")
        #expect(
            stream.problems.map(\.description) == [
                "2:12: key \"c\" is here twice; it was first set at 2:6",
                "3:1: key \"a\" is here twice; it was first set at 1:1",
                "5:1: key \"<<\" is here twice; it was first set at 4:1",
            ])
    }

    @Test("Several documents are several, with anchors of their own; what breaks off is none")
    func documents() {
        let stream = parse("a: &x 1\n---\nb: 2\n---\nc: *x\n")
        #expect(stream.documents.map(\.plain) == ["{a:1}", "{b:2}"])
        #expect(
            stream.problems.map(\.description) == [
                "5:4: alias *x of an anchor that does not come before it"
            ])
        #expect(parse("").documents.isEmpty)
        #expect(parse("# only a comment\n").problems.isEmpty)
    }

    @Test("An alias costs all that it repeats: a small bomb ends early")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(
            parse(text).problems.map(\.description) == [
                "6:45: more than 1000000 values, aliases expanded; repeat less through aliases,"
                    + " or split it into several files"
            ])
    }

    @Test("Nesting is refused at its limit, in every notation and through aliases")
    func deepNesting() {
        let texts = [
            String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
            String(repeating: "- ", count: 100_000),
            "- &a0 []\n" + (1...250).map { "- &a\($0) [*a\($0 - 1)]\n" }.joined(),
        ]
        for text in texts {
            let found = parse(text).problems.map(\.found)
            #expect(found == ["values nested more than 200 levels deep"])
        }
    }

    @Test("The limit of nesting itself is fine")
    func deepEnough() {
        let text = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(parse(text).problems.isEmpty)
        #expect(parse("[\(text)]").problems.count == 1)
    }

    @Test("Bytes that are no UTF-8 are located, which libyaml itself does not do")
    func invalidBytes() {
        let cases: [([UInt8], String)] = [
            ([0xff], "1:1: byte 0xFF is not valid UTF-8; save the file as UTF-8"),
            (
                Array("a: 1\r\nß: ".utf8) + [0xc3, 0x28],
                "2:4: byte 0xC3 is not valid UTF-8; save the file as UTF-8"
            ),
            (
                Array("a: \u{7}".utf8), "1:4: control character U+0007 in the text; remove it"
            ),
            (Array("a\0".utf8), "1:2: control character U+0000 in the text; remove it"),
            (
                [0xef, 0xbb, 0xbf, 0x61, 0x80],
                "1:2: byte 0x80 is not valid UTF-8; save the file as UTF-8"
            ),
        ]
        for (bytes, expected) in cases {
            #expect(YAMLStream.parse(bytes).problems.map(\.description) == [expected])
        }
    }

    @Test(
        "A problem after a line break that is not ASCII was located on the line before",
        arguments: ["\u{85}", "\u{2028}", "\u{2029}", "\r", "\r\n"])
    func otherLineBreaks(lineBreak: String) {
        #expect(
            parse("a: 1\(lineBreak)b: é\0").problems.map(\.description) == [
                "2:5: control character U+0000 in the text; remove it"
            ])
    }

    @Test("Ten mebibytes are read, one byte more is not")
    func size() {
        let line = "- 0123456789012345678901234567890123456789\n"
        var text = String(repeating: line, count: (10 << 20) / line.utf8.count)
        text += String(repeating: "#", count: (10 << 20) - text.utf8.count)
        #expect(parse(text).problems.isEmpty)
        #expect(
            parse(text + "#").problems.map(\.description) == [
                "1:1: the text has 10485761 bytes, more than the limit of 10485760;"
                    + " split it into several files"
            ])
    }

    @Test("A tab is named as the mistake that it is")
    func tabs() {
        let hints = ["a:\n\tb: 1", "a:\n  \tb: 1\n  c: 2", "\ta: 1"].map {
            parse($0).problems.first?.hint
        }
        #expect(hints == Array(repeating: "indent with spaces, not tabs", count: 3))
    }

    private func parse(_ text: String) -> YAMLStream { YAMLStream.parse(Array(text.utf8)) }
}

extension YAMLNode {
    fileprivate var entries: [YAMLEntry] {
        if case .mapping(let entries) = content { entries } else { [] }
    }

    fileprivate var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    fileprivate var plain: String {
        switch content {
        case .scalar(let scalar): scalar.text
        case .sequence(let items): "[" + items.map(\.plain).joined(separator: ",") + "]"
        case .mapping(let entries):
            "{" + entries.map { "\($0.key):\($0.value.plain)" }.joined(separator: ",") + "}"
        }
    }
}
