package import Cluster

/// What is known of a switchover whose answer did not come or said "status unknown".
///
/// Patroni's `POST /switchover` polls for 2 × max(10, loop_wait) seconds before it answers 503;
/// the move may still happen. When the old leader leads by its own answer long after that, and nothing
/// is scheduled, Patroni has most likely given up: waiting on tells no more.
package enum SwitchoverWatch {
    /// How long Patroni itself waits for a switchover, from its dynamic configuration. A `loop_wait`
    /// that no cluster works with is no reason to wait for hours.
    package static func patience(_ configuration: Reading<JSONValue>?) -> Duration {
        var loopWait: Int64 = 10
        if case .int(let seconds) = configuration?.value?["loop_wait"] { loopWait = seconds }
        return .seconds(2 * min(max(10, loopWait), 300))
    }

    package static func hasGivenUp(
        from: MemberName, after elapsed: Duration, seeing observed: Observed
    ) -> Bool {
        // Twice: once for Patroni's wait, once for whatever the request waited in between.
        guard elapsed > patience(observed.configuration) * 2,
            let member = observed.members[from]?.value
        else { return false }
        let leads = member.role == .leader && member.state == .running
        let isScheduled = observed.views.values.contains { $0.value?.scheduledSwitchover == true }
        return leads && !isScheduled
    }
}
