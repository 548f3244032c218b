package import Cluster
package import Effects
import Planning

/// Looks until the cluster is at rest, as far as that comes by itself: after a killed apply or a
/// failover, members start and an election goes on for some seconds.
package enum Settling {
    /// Longer than Patroni's election by default (ttl 30 s) is not waited: then what is seen is what
    /// there is to plan for.
    package static let patience = Duration.seconds(35)

    /// - Parameters:
    ///   - waiting: told what is waited for, each time that it changes.
    ///   - observe: one whole look.
    package static func look(
        time: any Timekeeper, waiting: @Sendable (String) -> Void,
        observe: @Sendable () async -> Observed
    ) async -> Observed {
        let began = time.now
        var told: String?
        while true {
            let observed = await observe()
            guard let motion = Motion.seen(in: observed), time.now - began < patience,
                !Task.isCancelled
            else { return observed }
            if motion != told { waiting(motion) }
            told = motion
            await time.sleep(for: .milliseconds(250))
        }
    }
}
