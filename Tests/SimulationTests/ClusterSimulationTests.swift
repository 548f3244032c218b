import Cluster
import Execution
import Foundation
import Planning
import Testing

@testable import simulate

@Suite("A simulated cluster")
struct ClusterSimulationTests {
    @Test("is made from empty servers, and then there is nothing left to do", arguments: Shape.made)
    func start(_ shape: Shape) async throws {
        let world = try await apart { try ClusterSimulation.settled(shape).world }
        #expect(world.oracle.violations == [])
    }

    @Test("reaches what its manifest says without trouble")
    func calm() async throws {
        let problems = try await apart {
            let starts = try Starts()
            return (1...20 as ClosedRange<UInt64>).flatMap { number in
                var story = Story(seed: number)
                (story.rounds, story.prepare) = (0, { _ in })
                return ClusterSimulation(number: number, story: story)
                    .play(from: starts[story.shape]).problems.map { "seed \(number): \($0)" }
            }
        }
        #expect(problems == [])
    }

    @Test("keeps the oath through trouble, and converges after it")
    func trouble() async throws {
        let failed = try await apart {
            Seeds(first: 1, count: Scale.seeds, jobs: 2).play(try Starts()).failures.map(\.text)
        }
        #expect(failed == [])
    }

    /// Patroni says "running" of it: it was restarted, or its data wiped.
    @Test("leaves alone a replica that catches up from the WAL archive")
    func catchesUp() async throws {
        let problems = try await apart {
            let starts = try Starts([.threeServers])
            return (1...10 as ClosedRange<UInt64>).flatMap { number in
                var story = Story(Shape.threeServers.desired)
                story.prepare = {
                    // The first plan is made after 100 s.
                    $0.archiveLasts = .seconds(90 + 10 * Int64(number))
                    $0.restartAReplica()
                }
                return ClusterSimulation(number: number, story: story)
                    .play(from: starts[.threeServers]).problems.map { "seed \(number): \($0)" }
            }
        }
        #expect(problems == [])
    }

    /// Steps that had been planned to make containers recreated them, the new leader's too.
    @Test("leaves alone what a person brings back before it is made")
    func broughtBack() async throws {
        let problems = try await apart {
            let starts = try Starts([.threeServers])
            return (1...40 as ClosedRange<UInt64>).flatMap { number in
                var desired = Shape.threeServers.desired
                desired.postgres.image = ImageReference("spilo-17:2")
                var story = Story(desired)
                // The first plan is made after 100 s.
                let delay = Duration.milliseconds(99_000 + 300 * Int64(number))
                story.prepare = { $0.takeDown(returningAfter: delay) }
                return ClusterSimulation(number: number, story: story)
                    .play(from: starts[.threeServers]).problems.map { "seed \(number): \($0)" }
            }
        }
        #expect(problems == [])
    }

    @Test("is one story a seed, told twice in the same words")
    func reproducible() async throws {
        let other = try await apart {
            let starts = try Starts()
            return (1...8 as ClosedRange<UInt64>).filter { number in
                let story = Story(seed: number)
                let simulation = ClusterSimulation(number: number, story: story)
                let first = simulation.play(from: starts[story.shape], isTold: true)
                let second = simulation.play(from: starts[story.shape], isTold: true)
                return first.trace.isEmpty || first.trace != second.trace
            }
        }
        #expect(other == [])
    }

    @Test("whose executor never asks its guards breaks the oath, and the oracle sees it")
    func oracleSees() async throws {
        let isSeen = try await apart {
            let starts = try Starts()
            return (1...60 as ClosedRange<UInt64>).contains { number in
                let story = Story(seed: number)
                var simulation = ClusterSimulation(number: number, story: story)
                simulation.judge = {
                    var judge = Judge($0)
                    judge.check = { _, _ in .holds }
                    return judge
                }
                return simulation.play(from: starts[story.shape]).problems
                    .contains { $0.contains(": S") }
            }
        }
        #expect(isSeen)
    }
}

extension Shape: CustomTestStringConvertible {
    /// Those that start with something on their servers.
    static let made = allCases.filter { $0 != .empty }
    var testDescription: String { rawValue }
}

/// On a thread of its own: a story takes its thread for seconds, and the tests share two.
func apart<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}
