package import Cluster

/// The lock of a cluster on one node: `flock` on a file of the project's directory, for as long as
/// a held command runs there (S7).
///
/// Two files are locked. `.matriarch.lock` belongs to the holder. `.matriarch.work` is shared by
/// the commands that the holder starts (`Command.underLock`): they outlive a lost connection, and
/// nobody is given the lock before they have ended.
package enum LockCommands {
    static let lockFile = ".matriarch.lock"
    /// Three lines: the apply's id, the process that holds the lock on the node, and what others
    /// are told.
    static let holderFile = ".matriarch.lock.holder"
    /// A line of process and summary for each command that was started under the lock.
    static let workFile = ".matriarch.work"

    /// `EX_TEMPFAIL`: somebody else holds it. Standard error has the holder's three lines.
    package static let notFree: Int32 = 75
    /// Its holder is gone, and commands that it had started still run. Standard error has a line of
    /// process and summary for each.
    package static let stillWorking: Int32 = 76
    /// What the command writes once it has the lock.
    package static let held = "held"
    /// What the state of a lock is called that nobody holds while commands of an earlier holder run.
    package static let working = "working"
    /// How often the holder says on the command's input that it is there.
    package static let beat = Duration.seconds(10)
    /// After how long without a word the command takes the holder for dead: its machine may have
    /// gone without a packet that says so, and TCP alone would notice after two hours.
    package static let patience = Duration.seconds(60)

    /// By any number: a shell moves its files about while a command of it runs.
    private static let hasOpened = """
        hasOpened() {
          for link in "/proc/$1/fd/"*; do
            if [ "$(readlink "$link")" = "$(pwd -P)/$2" ]; then return 0; fi
          done
          return 1
        }
        """

    /// Those of `.matriarch.work` that still run.
    private static let atWork = """
        \(hasOpened)
        atWork() {
          while read -r process what; do
            if hasOpened "$process" \(workFile); then printf '%s %s\\n' "$process" "$what"; fi
          done < \(workFile)
        }
        """

    /// Takes the lock or says at once who has it, then holds it for as long as lines arrive on its
    /// input.
    ///
    /// - Parameters:
    ///   - apply: one word, different for each apply: what its commands are recognised by.
    ///   - holder: one line for whoever finds the lock taken.
    package static func hold(
        by apply: String, saying holder: String, in project: Project,
        patience: Duration = Self.patience
    ) throws(UnquotableText) -> Command {
        let line = holder.split(whereSeparator: \.isNewline).joined(separator: " ")
        let text = """
            umask 022
            mkdir -p -- \(try ShellWord.quote(project.directory))
            cd \(try ShellWord.quote(project.directory))
            for needed in flock timeout; do
              if ! command -v $needed > /dev/null; then
                echo "$needed is not installed; expected it from util-linux or coreutils" >&2
                exit 69
              fi
            done
            IFS= read -r holder
            exec 9>> \(lockFile)
            if ! flock -n 9; then
              cat \(holderFile) >&2 2> /dev/null || true
              exit \(notFree)
            fi
            exec 8>> \(workFile)
            if ! flock -n 8; then
              \(atWork)
              atWork >&2
              exit \(stillWorking)
            fi
            : > \(workFile)
            rm -f .matriarch-[0-9]* .*.matriarch-[0-9]* */.*.matriarch-[0-9]*
            printf '%s\\n%s\\n%s\\n' \(try ShellWord.quote(apply)) $$ "$holder" \
            > \(holderFile).new
            mv -f \(holderFile).new \(holderFile)
            exec 8>&-
            echo \(held)
            while timeout \(patience.wholeSeconds) sh -c 'IFS= read -r beat' \
            9>&- > /dev/null 2>&1; do :; done
            rm -f \(holderFile)

            """
        return Command(
            "hold the lock",
            Script(preluded: text, input: .plain(line + "\n"), limit: .seconds(30)))
    }

    /// Who holds the lock: `held` and the holder's three lines; `working` and a line of process and
    /// summary for each command of an earlier holder that still runs (none where only what a command
    /// began does); or `free`.
    package static func status(in project: Project) throws(UnquotableText) -> Query {
        Query(
            Script(
                preluded: """
                    if ! cd \(try ShellWord.quote(project.directory)) 2> /dev/null || \
                    [ ! -e \(lockFile) ]; then
                      echo free
                      exit 0
                    fi
                    exec 9< \(lockFile)
                    if ! flock -s -n 9; then
                      echo \(held)
                      cat \(holderFile) 2> /dev/null || true
                      exit 0
                    fi
                    if [ -e \(workFile) ] && ! ( exec 8< \(workFile); flock -n 8 ); then
                      echo \(working)
                      \(atWork)
                      atWork
                      exit 0
                    fi
                    echo free

                    """, limit: .seconds(30)))
    }

    /// Ends the process that holds the lock on the node for an apply, and nothing else: not the
    /// commands that it has started. A lock that is free counts as done, and so does one that another
    /// apply took meanwhile. Ends with `notFree` and the holder's lines when another apply holds it
    /// from the beginning.
    ///
    /// After each signal the process has five seconds to end, looked at once a second.
    package static func free(
        from apply: String, in project: Project
    ) throws(UnquotableText) -> Command {
        let text = """
            cd \(try ShellWord.quote(project.directory))
            isFree() ( exec 9< \(lockFile); flock -s -n 9 )
            look() {
              apply=
              process=
              { IFS= read -r apply; IFS= read -r process; } < \(holderFile) || true
            } 2> /dev/null
            \(hasOpened)
            if isFree; then exit 0; fi
            look
            if [ "$apply" != \(try ShellWord.quote(apply)) ]; then
              cat \(holderFile) >&2 2> /dev/null || true
              exit \(notFree)
            fi
            held=$process
            # Whether the record still names the process that was found.
            isSame() { look; [ "$apply $process" = \(try ShellWord.quote(apply))" $held" ]; }
            if ! hasOpened "$held" \(lockFile) && isSame && ! isFree; then
              echo "process $held does not hold $(pwd -P)/\(lockFile); \
            see who does with: fuser -v $(pwd -P)/\(lockFile)" >&2
              exit 70
            fi
            for signal in TERM KILL; do
              for second in 1 2 3 4 5; do
                if isFree || ! isSame; then break; fi
                # Its number may be another's by now.
                if [ $second = 1 ] && hasOpened "$held" \(lockFile); then
                  kill -$signal "$held" 2> /dev/null || true
                fi
                sleep 1
              done
            done
            if ! isFree && isSame; then
              echo "process $held was ended, and the lock is still held; \
            see who has it with: fuser -v $(pwd -P)/\(lockFile)" >&2
              exit 70
            fi
            # Under the lock: a record that another holder writes stays.
            exec 9>> \(lockFile)
            if flock -n 9 && isSame; then rm -f \(holderFile); fi

            """
        return Command("free the lock", Script(preluded: text, limit: .seconds(30)))
    }
}

extension Command {
    /// The command as an apply runs it while it holds the lock.
    ///
    /// It does nothing when the lock is no longer this apply's: a request that was delayed on the
    /// way must not act in the middle of somebody else's apply. And it goes on to its end when the
    /// connection, or we, are gone: what it writes is kept until then, and no hang-up reaches it.
    package func underLock(
        of apply: String, in project: Project
    ) throws(UnquotableText) -> Command {
        var command = self
        let title = summary.split(whereSeparator: \.isNewline).joined(separator: " ")
        command.script.text =
            Prelude.text + """
                cd \(try ShellWord.quote(project.directory))
                exec 8>> \(LockCommands.workFile)
                flock -s 8
                holder=
                { IFS= read -r holder < \(LockCommands.holderFile); } 2> /dev/null || true
                if [ "$holder" != \(try ShellWord.quote(apply)) ]; then
                  echo "the cluster's lock on this node is no longer held by this apply" >&2
                  exit \(LockCommands.notFree)
                fi
                printf '%s %s\\n' $$ \(try ShellWord.quote(title)) >&8 || true
                trap '' HUP PIPE
                status=0
                said=$(sh -c \(try ShellWord.quote(script.text)) 2>&1) || status=$?
                if [ -n "$said" ]; then printf '%s\\n' "$said" >&2; fi
                exit $status

                """
        return command
    }

    /// Waits until no command that was started under the lock runs on the node any more: what came
    /// of it can be seen then.
    package static func awaitEnd(
        in project: Project, limit: Duration
    ) throws(UnquotableText) -> Query {
        Query(
            Script(
                preluded: """
                    cd \(try ShellWord.quote(project.directory))
                    exec 8< \(LockCommands.workFile)
                    flock 8

                    """, limit: limit))
    }
}
