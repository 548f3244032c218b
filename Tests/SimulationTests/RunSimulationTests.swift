import Foundation
import Testing

@testable import simulate

@Suite("Random plans with random outcomes")
struct RunSimulationTests {
    @Test("end, keep to their order, and never take two members down")
    func manySeeds() async throws {
        let problems = try await apart {
            (1...Scale.runs).flatMap { seed in
                var simulation = RunSimulation(seed: seed)
                simulation.play()
                return simulation.violations.map { "seed \(seed): \($0)" }
            }
        }
        #expect(problems == [])
    }

    @Test("are one story a seed")
    func reproducible() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var first = RunSimulation(seed: seed)
            var second = RunSimulation(seed: seed)
            first.play()
            second.play()
            #expect(first.report == second.report)
            #expect(first.inputs == second.inputs)
        }
    }
}

/// How many seeds a plain test run plays; `make simulate` plays as many as it is asked for.
enum Scale {
    #if DEBUG
        static let seeds: UInt64 = 20
        static let runs: UInt64 = 1_000
    #else
        static let seeds: UInt64 = 120
        static let runs: UInt64 = 5_000
    #endif
}
