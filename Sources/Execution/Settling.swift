package import Cluster
package import Effects
import Planning
import Synchronization

/// Looks until the cluster is at rest, as far as that comes by itself: after a killed apply or a
/// failover, members start and an election goes on for some seconds.
package final class Settling: Sendable {
    /// What is left of its patience, for all looks together.
    private let left: Mutex<Duration?>

    package init() { left = Mutex(nil) }

    /// - Parameters:
    ///   - waiting: told what is waited for, each time that it changes.
    ///   - observe: one whole look.
    package func look(
        time: any Timekeeper, waiting: @Sendable (String) -> Void,
        observe: @Sendable () async -> Observed
    ) async -> Observed {
        var told: String?
        while true {
            let began = time.now
            let observed = await observe()
            guard let motion = Motion.seen(in: observed), !Task.isCancelled,
                left.withLock({ $0 ?? Motion.patience(observed) }) > .zero
            else { return observed }
            if motion != told { waiting(motion) }
            told = motion
            // A start or an election takes seconds: a second look at once would see the same, and a
            // later one would keep people waiting.
            await time.sleep(for: .milliseconds(500))
            let spent = time.now - began
            left.withLock { $0 = ($0 ?? Motion.patience(observed)) - spent }
        }
    }
}
