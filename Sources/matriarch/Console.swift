import CShims
import Glibc
import Reporting

/// Standard output and errors. A reader that went away ends no apply: what it would have read is
/// dropped.
enum Console {
    enum Stream: Int32 {
        case output = 1
        case errors = 2
    }

    static func write(_ text: String, to stream: Stream = .output) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(stream.rawValue, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR || errno == EAGAIN { continue }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }

    /// One line each, whatever is in it.
    static func complain(_ lines: [String]) {
        write(lines.map { "matriarch: \($0.safeForTerminal)\n" }.joined(), to: .errors)
    }

    static func isTerminal(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }

    /// A person can be asked: questions go to the errors' stream, answers come from standard input.
    static var canAsk: Bool { isatty(0) == 1 && isTerminal(.errors) }

    static var columns: Int {
        let columns = Int(matriarch_terminal_columns(Stream.errors.rawValue))
        return columns > 0 ? columns : 80
    }

    /// Colour only on a terminal that shows it, and not where NO_COLOR or a flag forbids it.
    static func style(of stream: Stream, forbidden: Bool) -> Style {
        let isPlain =
            forbidden || !(variable("NO_COLOR") ?? "").isEmpty || variable("TERM") == "dumb"
        return !isPlain && isTerminal(stream) ? .colored : .plain
    }

    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// `true` only for the whole word.
    static func agrees(to question: String) -> Bool {
        answer(to: "\(question) Only 'yes' is taken as yes: ") == "yes"
    }

    static func answer(to question: String) -> String? {
        write(question, to: .errors)
        return readLine()
    }
}
