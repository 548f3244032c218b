package import Cluster

/// What was applied, on the nodes themselves: one JSON object a line, newest last.
package enum HistoryCommands {
    package static let path = "state/history.jsonl"
    /// A file that grew beyond this is cut to its newest half; the newest line stays whatever its
    /// size. In bytes.
    static let largest = 1 << 20

    /// Adds a line. Writers wait for each other; the half line of one that crashed is ended first,
    /// and a line that does not arrive whole is not written.
    ///
    /// - Parameter largest: the file's bound, in bytes.
    package static func append(
        _ line: JSONValue, in project: Project, largest: Int = Self.largest
    ) throws(UnquotableText) -> Command {
        let text = """
            cd \(try ShellWord.quote(project.directory))
            umask 022
            mkdir -p state
            line=$(cat)
            case $line in
              '{'*'}') ;;
              *) echo "the line did not arrive whole; nothing was written" >&2; exit 74 ;;
            esac
            exec 9>> state/.history.lock
            flock 9
            if [ -s \(path) ] && [ -n "$(tail -c 1 \(path))" ]; then echo >> \(path); fi
            printf '%s\\n' "$line" >> \(path)
            if [ "$(wc -c < \(path))" -gt \(largest) ]; then
              tail -c \(largest / 2) \(path) | tail -n +2 > state/.history.new
              if [ ! -s state/.history.new ]; then
                tail -n 1 \(path) > state/.history.new
              fi
              mv -f state/.history.new \(path)
            fi

            """
        return Command(
            "append to the history",
            Script(preluded: text, input: .plain(line.canonicalText + "\n"), limit: .seconds(10)))
    }

    /// The whole file; nothing where there is none.
    package static func read(in project: Project) throws(UnquotableText) -> Query {
        Query(
            Script(
                preluded: """
                    if cd \(try ShellWord.quote(project.directory)) 2> /dev/null && \
                    [ -e \(path) ]; then
                      tail -c \(largest * 2) \(path)
                    fi

                    """, limit: .seconds(30)))
    }
}
