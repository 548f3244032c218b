package import Cluster

extension Command {
    /// Creates the project's directory where it is missing.
    package static func makeDirectory(
        _ project: Project, limit: Duration = .seconds(30)
    ) throws(UnquotableText) -> Command {
        Command(
            "create \(project.directory)",
            Script(
                preluded: "umask 022\nmkdir -p -- \(try ShellWord.quote(project.directory))\n",
                limit: limit))
    }

    /// Writes files of the project's directory, all in one round trip.
    ///
    /// They travel one after the other on standard input. Nothing is replaced before all have
    /// arrived whole; then each is put in place by a rename, so that a reader sees the old file or
    /// the new one. A repetition after a crash does the same again.
    package static func writeFiles(
        _ files: [FileSpec], in project: Project, limit: Duration = .seconds(60)
    ) throws(UnquotableText) -> Command {
        var text = "cd \(try ShellWord.quote(project.directory))\n" + receiving
        var input = ""
        var offset = 1
        var calls = ""
        for file in files {
            let content = file.content.reveal()
            let length = content.utf8.count
            let path = try ShellWord.quote(file.path)
            let mode = String(file.mode, radix: 8)
            let directoryMode = file.mode & 0o077 == 0 ? "700" : "755"
            calls += "stage \(path) \(mode) \(directoryMode) \(offset) \(length)\n"
            input += content
            offset += length
        }
        text += "receive \(offset - 1)\n" + calls
        for file in files { text += "place \(try ShellWord.quote(file.path))\n" }
        let names = files.map(\.path).joined(separator: ", ")
        let isSensitive = files.contains(where: \.content.isSensitive)
        return Command(
            "write \(names)",
            Script(
                preluded: text,
                input: isSensitive ? .sensitive(Secret(input)) : .plain(input), limit: limit))
    }

    /// `head` on standard input may read more than it prints, so the input goes into a file first
    /// and is cut from there. A folder that gets a private file is private from then on, whoever made
    /// it. `$$` keeps commands that run side by side apart. What `tail` says of
    /// `head` having read enough is no complaint: the length tells whether all went well.
    static let receiving = #"""
        umask 077
        incoming=.matriarch-$$
        trap 'rm -f -- "$incoming" .*.matriarch-$$ */.*.matriarch-$$' EXIT
        trap 'exit 129' HUP INT TERM
        receive() {
          cat > "$incoming"
          if [ "$(wc -c < "$incoming")" -ne "$1" ]; then
            echo "the files did not arrive whole; nothing was changed" >&2
            exit 74
          fi
        }
        temporary() {
          name=${1##*/}
          directory=.
          case $1 in */*) directory=${1%/*} ;; esac
          temporary=$directory/.$name.matriarch-$$
        }
        stage() {
          temporary "$1"
          if [ -d "$1" ]; then
            echo "$1 is a directory; expected a file" >&2
            exit 73
          fi
          [ -d "$directory" ] || mkdir -p -m "$3" -- "$directory"
          [ "$3" != 700 ] || [ "$directory" = . ] || chmod 700 -- "$directory"
          tail -c "+$4" "$incoming" 2> /dev/null | head -c "$5" > "$temporary"
          if [ "$(wc -c < "$temporary")" -ne "$5" ]; then
            echo "$1 could not be written whole; nothing was changed" >&2
            exit 74
          fi
          chmod "$2" -- "$temporary"
          sync -- "$temporary" 2>/dev/null || sync
        }
        place() {
          temporary "$1"
          mv -f -- "$temporary" "$1"
        }

        """#

    /// Removes files of the project's directory that Matriarch wrote. One that is not there, or
    /// that no longer begins as Matriarch's do, is passed over.
    package static func removeFiles(
        _ files: [String], in project: Project, limit: Duration = .seconds(30)
    ) throws(UnquotableText) -> Command {
        let directory = try ShellWord.quote(project.directory)
        var text = "[ -d \(directory) ] || exit 0\ncd \(directory)\n" + removing
        for file in files { text += "remove \(try ShellWord.quote(file))\n" }
        return Command(
            "remove \(files.joined(separator: ", "))", Script(preluded: text, limit: limit))
    }

    private static let removing = """
        remove() {
          if [ -f "$1" ] && head -c 200 -- "$1" | grep -q '\(FileSpec.signature)'; then
            rm -f -- "$1"
          fi
        }

        """

    /// Keeps files of the project's directory as `<name>.before-matriarch`: `moving` are gone from
    /// their place then; `copying` stay until they are overwritten, as something may read them. An
    /// earlier one is never overwritten: the next is `<name>.before-matriarch.2`. Files that are not
    /// there, no longer, or copied already, are passed over.
    package static func keepAside(
        moving: [String], copying: [String], in project: Project, limit: Duration = .seconds(30)
    ) throws(UnquotableText) -> Command {
        var text = "cd \(try ShellWord.quote(project.directory))\n" + aside
        for file in moving { text += "aside mv \(try ShellWord.quote(file))\n" }
        for file in copying { text += "aside copy \(try ShellWord.quote(file))\n" }
        return Command(
            "keep \((moving + copying).joined(separator: ", ")) aside",
            Script(preluded: text, limit: limit))
    }

    private static let aside = #"""
        exists() { [ -e "$1" ] || [ -L "$1" ]; }
        aside() {
          exists "$2" || return 0
          target=$2.before-matriarch
          number=1
          while exists "$target"; do
            if [ "$1" = copy ] && cmp -s -- "$2" "$target"; then return 0; fi
            number=$((number + 1))
            target=$2.before-matriarch.$number
          done
          if [ "$1" = mv ]; then mv -- "$2" "$target"; else cp -pP -- "$2" "$target"; fi
        }

        """#
}
