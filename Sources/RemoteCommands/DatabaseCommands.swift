package import Cluster

extension Command {
    /// Tells etcd of a member that will join, as a learner: it counts for no quorum yet. Answers
    /// with the member list in JSON.
    ///
    /// - Parameter container: of a member that stays and is healthy.
    package static func addEtcdLearner(
        _ name: EtcdName, peerURL: String, through container: String,
        limit: Duration = .seconds(30)
    ) throws(UnquotableText) -> Command {
        let member = try ShellWord.quote(name.rawValue)
        let url = try ShellWord.quote(peerURL)
        return try etcdctl(
            "add \(name) to etcd", "-w json member add \(member) --learner --peer-urls=\(url)",
            in: container, limit)
    }

    /// Makes a learner that has caught up a voting member. etcd refuses one that has not.
    ///
    /// Without `-w json`: etcdctl 3.5 crashes on printing the answer, the member being promoted.
    package static func promoteEtcd(
        _ name: EtcdName, id: UInt64, through container: String, limit: Duration = .seconds(30)
    ) throws(UnquotableText) -> Command {
        try etcdctl("promote \(name)", "member promote \(hexadecimal(id))", in: container, limit)
    }

    /// Takes a member out of etcd, before its container is stopped.
    package static func removeEtcdMember(
        _ name: EtcdName, id: UInt64, through container: String, limit: Duration = .seconds(30)
    ) throws(UnquotableText) -> Command {
        try etcdctl(
            "remove \(name) from etcd", "member remove \(hexadecimal(id))", in: container, limit)
    }

    /// etcdctl prints and reads ids in hexadecimal.
    private static func hexadecimal(_ id: UInt64) -> String { String(id, radix: 16) }

    private static func etcdctl(
        _ summary: String, _ arguments: String, in container: String, _ limit: Duration
    ) throws(UnquotableText) -> Command {
        let id = try ShellWord.quote(container)
        return Command(
            summary,
            Script(
                preluded: """
                    docker exec -e ETCDCTL_API=3 \(id) etcdctl \
                    --endpoints=http://127.0.0.1:2379 --command-timeout=10s \(arguments)

                    """, limit: limit))
    }

    /// Runs SQL as the superuser on the member's own socket, up to the first error. The text
    /// travels on standard input, and no error repeats a line of it: it may hold passwords. Nothing
    /// of a text that does not arrive whole is run. Where a time-out of the text ended it, the
    /// transactions that are open say what it waited for.
    ///
    /// What no time-out of the text bounds is a COMMIT's wait for a synchronous standby. 20 s before
    /// the limit psql is interrupted, and asks the server to end what it does: a signal that ended
    /// psql alone would leave the server waiting, with its locks. What was committed stays on the
    /// leader, and the command fails: nobody else is known to have it.
    package static func psql(
        _ sql: ResolvedText, summary: String, in container: String,
        limit: Duration = .seconds(120)
    ) throws(UnquotableText) -> Command {
        let id = try ShellWord.quote(container)
        let text = "\(sql.reveal())\n\(wholeMark)\n"
        return Command(
            summary,
            Script(
                preluded: """
                    sql=$(cat)
                    case $sql in
                      *'\(wholeMark)') ;;
                      *) echo "the SQL did not arrive whole; nothing was run" >&2; exit 74 ;;
                    esac
                    status=0
                    errors=$(printf '%s\\n' "$sql" | docker exec -i -e PGAPPNAME=matriarch \(id) \
                    timeout -s INT -k 5 \(max(1, limit.wholeSeconds - 20)) psql -X -q -w \
                    -v ON_ERROR_STOP=1 -v VERBOSITY=terse -v SHOW_CONTEXT=never \
                    -U postgres -d postgres 2>&1 > /dev/null) || status=$?
                    if [ -n "$errors" ]; then printf '%s\\n' "$errors" >&2; fi
                    case $errors in
                      *' due to lock timeout'* | *' due to statement timeout'*)
                        docker exec \(id) psql -X -q -w -A -t -U postgres -d postgres -c \
                    "\(openTransactions)" >&2 || true ;;
                      *'canceling wait for synchronous replication due to user request'*)
                        [ "$status" -ne 0 ] || status=1
                        echo "the leader has it, and no synchronous standby confirmed it: \
                    see why with patronictl list, then apply again" >&2 ;;
                    esac
                    exit $status

                    """,
                input: sql.isSensitive ? .sensitive(Secret(text)) : .plain(text), limit: limit))
    }

    /// The oldest ones, as a line for people; how to end one of them.
    private static let openTransactions = """
        SELECT 'open transactions there, the oldest first: ' || string_agg(line, ', ') || \
        '; one is ended with SELECT pg_terminate_backend(process)' FROM (SELECT format(\
        'process %s of %s (%s) since %s', pid, usename, application_name, \
        date_trunc('second', xact_start)) AS line FROM pg_stat_activity \
        WHERE xact_start < now() - interval '5 seconds' AND backend_type = 'client backend' \
        AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 3) AS oldest \
        HAVING count(*) > 0
        """

    /// The last line of a text that is not cut off.
    private static let wholeMark = "-- the end"
}
