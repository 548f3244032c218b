import ArgumentParser
import Foundation
import Synchronization

/// Plays seeds and says which of them broke a promise.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Play the simulated cluster by seed, and say which seed broke a promise.",
        discussion: """
            Each seed is a whole story: a cluster, an edit of its manifest, plan and apply while \
            things go wrong, and a calm end at which the plan has to be empty. The same seed is the \
            same story.
            """)

    @Option(help: "Play this seed alone, and tell its story.") var seed: UInt64?
    @Option(help: "How many seeds to play.") var seeds: UInt64 = 1000
    @Option(help: "The first of them.") var first: UInt64 = 1
    @Option(help: "How many side by side.") var jobs = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "Stop after so many seeds that failed.") var failures = 1

    func run() throws {
        let starts = try Starts()
        if let seed { return try tell(seed, starts) }
        let began = ContinuousClock.now
        let result = Seeds(first: first, count: seeds, jobs: jobs, failures: failures)
            .play(starts) { failure in
                let again = "  again, with its whole story: make simulate SEED=\(failure.number)\n"
                // At once: a long run may be cut short.
                FileHandle.standardOutput.write(Data("\(failure.text)\n\(again)".utf8))
            }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        print(
            "\(result.played) seeds in \(String(format: "%.1f", seconds)) s,"
                + " \(result.failures.count) failed")
        if !result.failures.isEmpty { throw ExitCode(1) }
    }

    private func tell(_ number: UInt64, _ starts: Starts) throws {
        let story = Story(seed: number)
        print("seed \(number): \(story.told)")
        let ending = ClusterSimulation(number: number, story: story)
            .play(from: starts[story.shape], isTold: true)
        var run = RunSimulation(seed: number)
        run.play()
        for line in ending.trace { print(line) }
        let problems = ending.problems + run.violations
        print(problems.isEmpty ? "every promise was kept" : problems.joined(separator: "\n"))
        if !problems.isEmpty { throw ExitCode(1) }
    }
}

/// A range of seeds, played side by side.
struct Seeds: Sendable {
    var first: UInt64
    var count: UInt64
    var jobs: Int
    /// How many that failed are enough.
    var failures = 1

    struct Failure: Sendable {
        var number: UInt64
        var problems: [String]
        var text: String {
            "seed \(number): \(Story(seed: number).told)\n  "
                + problems.joined(separator: "\n  ")
        }
    }

    struct Result: Sendable {
        var played: UInt64 = 0
        /// By number.
        var failures: [Failure] = []
    }

    func play(_ starts: Starts, tell: @Sendable (Failure) -> Void = { _ in }) -> Result {
        let next = Atomic<UInt64>(first)
        let result = Mutex(Result())
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while true {
                let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if number >= first + count { return }
                if result.withLock({ $0.failures.count >= failures }) { return }
                let problems = Self.problems(of: number, starts)
                result.withLock {
                    $0.played += 1
                    guard !problems.isEmpty else { return }
                    let failure = Failure(number: number, problems: problems)
                    $0.failures.append(failure)
                    tell(failure)
                }
            }
        }
        var all = result.withLock { $0 }
        all.failures.sort { $0.number < $1.number }
        return all
    }

    /// The cluster's story, and one of a random plan for the state machine alone.
    static func problems(of number: UInt64, _ starts: Starts) -> [String] {
        let story = Story(seed: number)
        let ending = ClusterSimulation(number: number, story: story).play(from: starts[story.shape])
        var run = RunSimulation(seed: number)
        run.play()
        return ending.problems + run.violations
    }
}
