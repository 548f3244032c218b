package import Cluster

/// A lock on all that a look under it reached.
package struct CoveringLock<Look: Sendable>: Sendable {
    package let lock: ClusterLock
    /// Taken under the lock.
    package let look: Look

    /// Takes the lock on what was reached so far, looks again under it, and starts over where that
    /// look reached more: a server that boots meanwhile may be planned for, and nothing is changed
    /// where there is no lock.
    ///
    /// - Returns: `nil` when each look reached more than the one before; no lock is held then.
    package static func acquire(
        on nodes: [NodeName], tries: Int = 5,
        lock: ([NodeName]) async throws -> ClusterLock, look: () async throws -> Look,
        reached: (Look) -> [NodeName]
    ) async throws -> CoveringLock? {
        var nodes = nodes
        for _ in 0..<tries {
            let held = try await lock(nodes)
            do {
                let seen = try await look()
                let found = reached(seen)
                if found.allSatisfy(held.covers) { return CoveringLock(lock: held, look: seen) }
                nodes = found
            } catch {
                await held.release()
                throw error
            }
            await held.release()
        }
        return nil
    }
}
