import Foundation
import Testing

/// What became of each fault, printed when the last one was staged.
enum FaultTable {
    struct Row {
        var fault: String
        var outcome: String
        var applies: Int
        var lost: Int
        var pause: Double
        /// Why the apply under the fault stopped, in its own words.
        var reasons: [String] = []
    }

    private static let lock = NSLock()
    private nonisolated(unsafe) static var rows: [Row] = []

    static func add(_ row: Row) {
        lock.withLock { unsafe rows.append(row) }
        print(line(row))
        for reason in row.reasons { print("    \(reason)") }
    }

    static func show() {
        let all = lock.withLock { unsafe rows }
        guard !all.isEmpty else { return }
        print(
            """

            | fault | exit and outcome | applies to converge | rows lost | longest write pause |
            |---|---|---|---|---|
            """)
        for row in all { print(line(row)) }
    }

    private static func line(_ row: Row) -> String {
        let pause = String(format: "%.1f s", row.pause)
        return "| \(row.fault) | \(row.outcome) | \(row.applies) | \(row.lost) | \(pause) |"
    }
}

/// Prints the table after the suite's last test.
struct PrintsFaultTable: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        defer { FaultTable.show() }
        try await function()
    }
}

/// `make faults` stages every fault; the rest of the time a few stand for all.
enum Faults {
    private static let wanted = ProcessInfo.processInfo.environment["MATRIARCH_FAULTS"]
    static let areAllWanted = wanted != nil

    /// `MATRIARCH_FAULTS=all`, or a part of the names of rows to stage them alone.
    static func isWanted(_ name: String) -> Bool {
        wanted.map { $0 == "all" || name.contains($0) } ?? false
    }
}
