import ArgumentParser
import Cluster
import Effects
import Execution
import RemoteCommands
import Reporting

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show what was applied: when, by whom, from which commit, and how it ended.",
        discussion: """
            Every server of a cluster remembers its applies, the last several hundred of them. \
            All are asked at once and what they say is put together. An apply that was killed or \
            cut off is shown as one that did not end.

              matriarch history cluster.yaml
              matriarch history cluster.yaml --limit 1 --output json

            Needs no secrets and changes nothing. Ends with 1 when a server could not be asked.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @OptionGroup var manifest: ManifestOptions
    @OptionGroup var color: ColorOptions

    @Option(help: ArgumentHelp("How many to show, the latest.", valueName: "number"))
    var limit: UInt16 = 20

    @Option(name: [.customLong("output"), .customShort("o")], help: "text or json.")
    var format = Format.text

    func run() async throws {
        let told = try await Fleet.map(try manifest.clusters()) { entry in
            let session = try ReadingSession.open(entry.desired)
            let told = await Self.ask(entry.desired, session, limit: Int(limit))
            await session.close()
            return told
        }
        switch format {
        case .json: Console.write(HistoryJSON.render(told))
        case .text:
            let style = color.style(of: .output)
            Console.write(
                told.map { HistoryText.render($0, style: style) }.joined(separator: "\n"))
        }
        let unasked = told.filter { !$0.unreachable.isEmpty }
        guard unasked.isEmpty else {
            throw Failure(
                unasked.map {
                    let nodes = $0.unreachable.keys.sorted().map(\.rawValue)
                    return "\($0.cluster): could not be asked: \(nodes.joined(separator: ", "))"
                        .safeForTerminal
                })
        }
    }

    private static func ask(
        _ desired: Desired, _ session: ReadingSession, limit: Int
    ) async -> ToldHistory {
        let answers = await LockSurvey.ask(desired, session) { node in
            try await session.ask(HistoryCommands.read(in: desired.project), on: node)
        }
        let locks = await LockSurvey.states(of: desired, session)
        let running = locks.values.compactMap {
            if case .held(let holder?) = $0 { holder } else { nil }
        }
        return ToldHistory(
            cluster: desired.name,
            history: ApplyHistory(
                answers.compactMapValues(\.value), running: Set(running.map(\.apply))),
            limit: limit, unreachable: answers.compactMapValues(\.reason))
    }
}
