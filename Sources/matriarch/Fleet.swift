import Glibc

/// Several clusters side by side, as many as this machine and its ssh can bear.
enum Fleet {
    private static let width = 8

    /// In the order of `items`; the first failure (in time) ends it.
    static func map<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ transform: @escaping @Sendable (Item) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: Numbered<Result>.self) { group in
            var waiting = items.enumerated().makeIterator()
            func startNext() {
                guard let (number, item) = waiting.next() else { return }
                group.addTask {
                    let result = try await transform(item)
                    return Numbered(number: number, result: result)
                }
            }
            for _ in 0..<width { startNext() }
            var results: [Numbered<Result>] = []
            while let result = try await group.next() {
                results.append(result)
                startNext()
            }
            return results.sorted { $0.number < $1.number }.map(\.result)
        }
    }

    private struct Numbered<Result: Sendable>: Sendable {
        var number: Int
        var result: Result
    }
}
