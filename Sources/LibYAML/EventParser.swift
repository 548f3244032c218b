internal import CLibYAML

/// What libyaml reports while it reads, with nothing of C in it.
struct Event {
    enum Kind {
        case documentStart, documentEnd, streamStart, streamEnd
        case alias(String)
        case scalar(YAMLScalar)
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    }
    var kind: Kind
    var mark: YAMLMark
    var anchor: String?
    var tag: String?
}

/// The owner of one libyaml parser and of the bytes that it reads.
@safe struct EventParser: ~Copyable {
    // On the heap: libyaml keeps a pointer from the parser to itself.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    /// The same bytes, to find places in.
    private let text: [UInt8]

    /// A byte order mark must be gone.
    init(_ bytes: [UInt8]) throws(YAMLProblem) {
        text = bytes
        unsafe parser = .allocate(capacity: 1)
        unsafe input = .allocate(capacity: bytes.count)
        _ = unsafe input.initialize(from: bytes)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe input.deallocate()
            unsafe parser.deallocate()
            throw YAMLProblem(mark: .start, found: "there is not enough memory to read it")
        }
        // Said, not guessed: UTF-16 would otherwise be taken for what it looks like.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event; after `.streamEnd` or an error there are no more.
    mutating func next() throws(YAMLProblem) -> Event {
        var raw = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &raw) == 1 else { throw problem() }
        let event = unsafe Self.convert(&raw)
        unsafe yaml_event_delete(&raw)
        return event
    }

    private static func convert(_ raw: inout yaml_event_t) -> Event {
        var event = Event(kind: .streamEnd, mark: mark(unsafe raw.start_mark))
        switch unsafe raw.type {
        case YAML_STREAM_START_EVENT: event.kind = .streamStart
        case YAML_DOCUMENT_START_EVENT: event.kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: event.kind = .documentEnd
        case YAML_ALIAS_EVENT:
            event.kind = .alias(unsafe copy(raw.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let bytes = unsafe UnsafeBufferPointer(
                start: raw.data.scalar.value, count: raw.data.scalar.length)
            let scalar = unsafe YAMLScalar(
                text: String(decoding: bytes, as: UTF8.self), style: style(raw.data.scalar.style))
            event.kind = .scalar(scalar)
            event.anchor = unsafe copy(raw.data.scalar.anchor)
            event.tag = unsafe copy(raw.data.scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            event.kind = .sequenceStart
            event.anchor = unsafe copy(raw.data.sequence_start.anchor)
            event.tag = unsafe copy(raw.data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: event.kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            event.kind = .mappingStart
            event.anchor = unsafe copy(raw.data.mapping_start.anchor)
            event.tag = unsafe copy(raw.data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: event.kind = .mappingEnd
        default: event.kind = .streamEnd
        }
        return event
    }

    private static func copy(_ start: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let start = unsafe start else { return nil }
        return unsafe String(cString: start)
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
        YAMLMark(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func style(_ style: yaml_scalar_style_t) -> YAMLScalar.Style {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    private func problem() -> YAMLProblem {
        let words = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
        let found = words ?? "it cannot be read"
        let kind = unsafe parser.pointee.error
        if kind == YAML_READER_ERROR {
            // The reader leaves its mark unset: the place follows from the offset in bytes.
            let offset = Int(unsafe parser.pointee.problem_offset)
            let value = unsafe parser.pointee.problem_value
            return text.readerProblem(found, at: offset, value: value)
        }
        guard kind != YAML_MEMORY_ERROR else {
            return YAMLProblem(mark: .start, found: "there is not enough memory to read it")
        }
        let mark = Self.mark(unsafe parser.pointee.problem_mark)
        let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) }
        let began = Self.mark(unsafe parser.pointee.context_mark)
        // A context names what was being read; its place helps when it began elsewhere.
        let place = context.map { " \($0)" + (began.line == mark.line ? "" : " of \(began)") }
        let isTab = text.hasTab(at: mark)
        return YAMLProblem(
            mark: mark, found: found + (place ?? ""),
            hint: isTab ? "indent with spaces, not tabs" : nil)
    }
}

extension [UInt8] {
    /// What libyaml's reader says of bytes that are no text.
    fileprivate func readerProblem(_ found: String, at offset: Int, value: Int32) -> YAMLProblem {
        var offset = offset
        if found.contains("trailing") {
            // The place told is where a character breaks off; it began before.
            repeat { offset -= 1 } while offset > 0 && self[offset] & 0xc0 == 0x80
        }
        let mark = place(of: Swift.max(0, offset))
        if found.contains("control") {
            let code = String(UInt32(truncatingIfNeeded: value), radix: 16, uppercase: true)
            let padding = String(repeating: "0", count: Swift.max(0, 4 - code.count))
            return YAMLProblem(
                mark: mark, found: "control character U+\(padding)\(code) in the text",
                hint: "remove it")
        }
        let code = String(indices.contains(offset) ? self[offset] : 0, radix: 16, uppercase: true)
        return YAMLProblem(
            mark: mark, found: "byte 0x\(code.count == 1 ? "0" : "")\(code) is not valid UTF-8",
            hint: "save the file as UTF-8")
    }

    /// Counts lines and characters up to a byte, as libyaml does.
    private func place(of offset: Int) -> YAMLMark {
        var mark = YAMLMark.start
        var index = 0
        while index < Swift.min(offset, count) {
            let length = lineBreak(at: index)
            if length > 0 {
                mark = YAMLMark(line: mark.line + 1, column: 1)
            } else if self[index] & 0xc0 != 0x80 {
                mark.column += 1
            }
            index += Swift.max(length, 1)
        }
        return mark
    }

    /// The commonest mistake of all gets a message from libyaml that does not name it.
    fileprivate func hasTab(at mark: YAMLMark) -> Bool {
        var line = 1
        var index = 0
        while line < mark.line, index < count {
            let length = lineBreak(at: index)
            if length > 0 { line += 1 }
            index += Swift.max(length, 1)
        }
        return self[index...].prefix { $0 == 0x20 || $0 == 0x09 }.contains(0x09)
    }

    /// Bytes of the line break that is here, 0 for none. CR LF is one; to YAML 1.1, and so to
    /// libyaml's marks, U+0085, U+2028 and U+2029 are breaks too.
    private func lineBreak(at index: Int) -> Int {
        func byte(_ offset: Int) -> UInt8 {
            index + offset < count ? self[index + offset] : 0
        }
        return switch self[index] {
        case 0x0a: 1
        case 0x0d: byte(1) == 0x0a ? 2 : 1
        case 0xc2: byte(1) == 0x85 ? 2 : 0
        case 0xe2: byte(1) == 0x80 && (byte(2) == 0xa8 || byte(2) == 0xa9) ? 3 : 0
        default: 0
        }
    }
}
