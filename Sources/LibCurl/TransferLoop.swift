import CCurl
import Glibc
import Synchronization

/// curl's multi interface on a thread of its own.
///
/// `@unchecked`: `multi` is touched by the loop's thread only, but for `curl_multi_wakeup`, which
/// curl allows from any thread; `transfers` by the loop's thread only. Both outlive the thread,
/// which holds a reference.
@safe final class TransferLoop: @unchecked Sendable {
    private struct Inbox {
        var lastIdentifier: UInt64 = 0
        var arrivals: [Job] = []
        var cancellations: Set<UInt64> = []
        var isStopped = false
    }

    private let multi: UnsafeMutableRawPointer
    /// By the address of curl's handle.
    private var transfers: [UInt: Transfer] = [:]
    private let inbox = Mutex(Inbox())

    private static let isReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init() throws(HTTPFailure) {
        guard Self.isReady, let multi = unsafe curl_multi_init() else {
            throw HTTPFailure(
                cause: .other(2), wasSent: false, text: "libcurl could not be initialised")
        }
        unsafe self.multi = unsafe multi
    }

    deinit {
        transfers = [:]
        unsafe curl_multi_cleanup(multi)
    }

    /// Starts the thread, which owns a reference until `stop`.
    func start() throws(HTTPFailure) {
        let own = unsafe Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                if let context = unsafe context {
                    unsafe Unmanaged<TransferLoop>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, own.toOpaque())
        guard code == 0 else {
            unsafe own.release()
            throw HTTPFailure(
                cause: .other(2), wasSent: false, text: "no thread for libcurl (error \(code))")
        }
        pthread_detach(thread)
    }

    func newIdentifier() -> UInt64 {
        inbox.withLock { inbox in
            inbox.lastIdentifier += 1
            return inbox.lastIdentifier
        }
    }

    func submit(_ job: Job) {
        inbox.withLock { $0.arrivals.append(job) }
        wake()
    }

    /// May come before its job does.
    func cancel(_ id: UInt64) {
        _ = inbox.withLock { $0.cancellations.insert(id) }
        wake()
    }

    /// The job has been reported: a cancellation that came too late means nothing any more.
    func forget(_ id: UInt64) { _ = inbox.withLock { $0.cancellations.remove(id) } }

    func stop() {
        inbox.withLock { $0.isStopped = true }
        wake()
    }

    private func wake() { _ = unsafe curl_multi_wakeup(multi) }

    // MARK: The loop's thread

    private func run() {
        while takeMail() {
            var running: Int32 = 0
            unsafe curl_multi_perform(multi, &running)
            settle()
            // A wake-up since the inbox was read ends this wait at once.
            unsafe curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
    }

    /// - Returns: `false` to end the thread.
    private func takeMail() -> Bool {
        let mail = inbox.withLock { inbox in
            defer { inbox.arrivals = [] }
            return inbox
        }
        for job in mail.arrivals where !mail.cancellations.contains(job.id) { begin(job) }
        for job in mail.arrivals where mail.cancellations.contains(job.id) {
            job.report(.failure(.cancelled(wasSent: false)))
        }
        if mail.isStopped || !mail.cancellations.isEmpty {
            for transfer in transfers.values
            where mail.isStopped || mail.cancellations.contains(transfer.job.id) {
                end(transfer, .failure(.cancelled(wasSent: transfer.wasSent)))
            }
        }
        return !mail.isStopped
    }

    private func begin(_ job: Job) {
        do throws(HTTPFailure) {
            let transfer = try Transfer(job)
            let code = unsafe curl_multi_add_handle(multi, transfer.easy)
            guard code == CURLM_OK else {
                throw HTTPFailure(
                    cause: .other(2), wasSent: false,
                    text: unsafe String(cString: curl_multi_strerror(code)))
            }
            transfers[transfer.address] = transfer
        } catch {
            job.report(.failure(error))
        }
    }

    /// Reports every transfer that ended.
    private func settle() {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE,
                let easy = unsafe message.pointee.easy_handle
            else { continue }
            let code = unsafe message.pointee.data.result
            guard let transfer = transfers[UInt(bitPattern: easy)] else { continue }
            end(transfer, transfer.outcome(code))
        }
    }

    private func end(_ transfer: Transfer, _ result: Result<HTTPAnswer, HTTPFailure>) {
        transfers.removeValue(forKey: transfer.address)
        unsafe curl_multi_remove_handle(multi, transfer.easy)
        transfer.job.report(result)
    }
}

extension HTTPFailure {
    static func cancelled(wasSent: Bool) -> HTTPFailure {
        HTTPFailure(cause: .cancelled, wasSent: wasSent, text: "the request was cancelled")
    }
}
