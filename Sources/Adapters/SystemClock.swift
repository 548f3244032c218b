import Effects

/// The machine's monotonic clock, counted from its own creation.
package struct SystemClock: Timekeeper {
    private let start = ContinuousClock.now

    package init() {}

    package var now: Duration { start.duration(to: .now) }

    package func sleep(for duration: Duration) async {
        // Cancellation is the only error, and ends the sleep.
        try? await Task.sleep(for: duration, clock: .continuous)
    }
}
