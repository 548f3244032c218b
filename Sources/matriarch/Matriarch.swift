import ArgumentParser
import CShims
import Glibc
import Reporting

@main
struct Matriarch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "matriarch",
        abstract: "Keeps highly available PostgreSQL clusters as a manifest declares them.",
        discussion: """
            For Patroni (Spilo) with etcd, HAProxy and Supabase in docker compose on plain \
            servers that are reached by SSH. A day with it:

              matriarch validate cluster.yaml   every problem of the manifest at once
              matriarch plan cluster.yaml       what would change, and why
              matriarch apply cluster.yaml      shows the plan, asks, does exactly that

            In a pipeline, review the plan in one job and apply that very plan in the next:

              matriarch plan cluster.yaml -o plan.json --detailed-exitcode
              matriarch apply cluster.yaml --plan plan.json --yes

            Two applies never overlap: a lock on every server is held as long as one runs. And:

              matriarch history cluster.yaml    what was applied, by whom, how it ended
              matriarch unlock cluster.yaml     for an apply that hangs and keeps its lock

            Exit codes:

              0   done, or nothing to do
              1   error, or something is down or could not be looked at
              2   there are changes (plan --detailed-exitcode)
              3   refused: stale plan, hazard not accepted, something in the way, lock not free
              4   apply stopped part-way
              64  wrong usage
            """,
        version: Version.text,
        subcommands: [
            ValidateCommand.self, PlanCommand.self, ApplyCommand.self, ObserveCommand.self,
            HistoryCommand.self, UnlockCommand.self, RenderCommand.self, VersionCommand.self,
            CompletionsCommand.self,
        ])

    static func main() async {
        protect()
        do {
            var command = try parseAsRoot()
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            Console.complain(failure.lines)
            Glibc.exit(failure.ending.rawValue)
        } catch {
            exit(withError: error)
        }
    }

    /// Secrets are in this process's memory and pass through files that it writes: nobody else may
    /// read either. A reader of our output that goes away is no reason to die.
    private static func protect() {
        matriarch_forbid_core_dumps()
        umask(0o077)
        _ = signal(SIGPIPE, SIG_IGN)
    }
}

enum Version {
    static let text = "0.1.0"
}
