import Foundation

/// A value that another thread gives, once.
final class Late<Value>: @unchecked Sendable {
    // Safe: touched under the lock alone.
    private let lock = NSLock()
    private let given = DispatchSemaphore(value: 0)
    private var known: Value?

    var value: Value? {
        get { lock.withLock { known } }
        set {
            lock.withLock { known = newValue }
            given.signal()
        }
    }

    func wait() throws -> Value {
        guard given.wait(timeout: .now() + 120) == .success, let value else {
            throw LabFailure("another thread did not give its value within 120 s")
        }
        return value
    }
}
