import CCurl
import CShims
import Glibc

/// One request on its way: the owner of curl's easy handle and of what it points to.
///
/// Lives on the loop's thread.
@safe final class Transfer {
    let job: Job
    let easy: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let reason: UnsafeMutablePointer<CChar>
    private var body: [UInt8] = []
    private var date: Int64?
    private var isTooLarge = false

    init(_ job: Job) throws(HTTPFailure) {
        guard let easy = unsafe curl_easy_init() else {
            throw HTTPFailure(
                cause: .other(2), wasSent: false, text: "libcurl has no handle to give")
        }
        self.job = job
        unsafe self.easy = unsafe easy
        unsafe reason = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try configure(job.request)
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe curl_slist_free_all(headers)
        unsafe reason.deallocate()
    }

    var address: UInt { unsafe UInt(bitPattern: easy) }

    // MARK: The request

    private func configure(_ request: HTTPRequest) throws(HTTPFailure) {
        try set(CURLOPT_URL, request.url)
        try set(CURLOPT_NOPROXY, "*")
        try set(CURLOPT_PROXY, "")
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_PATH_AS_IS, 1)
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        try set(CURLOPT_USERAGENT, "matriarch")
        try set(CURLOPT_TIMEOUT_MS, request.limit.milliseconds)
        try set(CURLOPT_CONNECTTIMEOUT_MS, request.connectLimit.milliseconds)
        if let socket = request.unixSocket { try set(CURLOPT_UNIX_SOCKET_PATH, socket) }
        if !request.isRepeatable { try set(CURLOPT_FRESH_CONNECT, 1) }
        if let body = request.body {
            try send(body, headers: ["Content-Type: application/json"])
        } else if request.method == "POST" || request.method == "PATCH" {
            // Says that its length is 0; a header without a value removes it.
            try send([], headers: ["Content-Type:"])
        }
        // Last: a body makes it a POST otherwise.
        if request.method == "HEAD" { try set(CURLOPT_NOBODY, 1) }
        try set(CURLOPT_CUSTOMREQUEST, request.method)

        try check(unsafe matriarch_curl_set_error_buffer(easy, reason))
        let sink: matriarch_curl_sink = { bytes, size, count, context in
            unsafe Transfer.take(bytes, size * count, context) { unsafe $0.takeBody($1) }
        }
        let headerSink: matriarch_curl_sink = { bytes, size, count, context in
            unsafe Transfer.take(bytes, size * count, context) { unsafe $0.takeHeader($1) }
        }
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        try check(unsafe matriarch_curl_set_sinks(easy, sink, headerSink, context))
    }

    private func send(_ body: [UInt8], headers lines: [String]) throws(HTTPFailure) {
        try check(unsafe matriarch_curl_set_body(easy, body + [0], body.count))
        // "Expect" would cost a large body one second of waiting.
        for line in lines + ["Expect:"] { unsafe headers = curl_slist_append(headers, line) }
        try check(unsafe matriarch_curl_set_list(easy, CURLOPT_HTTPHEADER, headers))
    }

    private func set(_ option: CURLoption, _ text: String) throws(HTTPFailure) {
        try check(unsafe matriarch_curl_set_text(easy, option, text))
    }

    private func set(_ option: CURLoption, _ value: Int) throws(HTTPFailure) {
        try check(unsafe matriarch_curl_set_long(easy, option, value))
    }

    private func check(_ code: CURLcode) throws(HTTPFailure) {
        guard code != CURLE_OK else { return }
        throw HTTPFailure(
            cause: .other(code.rawValue), wasSent: false,
            text: unsafe String(cString: curl_easy_strerror(code)))
    }

    // MARK: The answer

    private static func take(
        _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
        _ body: (Transfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        let taken = unsafe body(transfer, UnsafeRawBufferPointer(start: bytes, count: count))
        return taken ? count : -1
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard body.count + bytes.count <= job.request.bodyLimit else {
            isTooLarge = true
            return false
        }
        unsafe body.append(contentsOf: bytes)
        return true
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let line = unsafe String(decoding: bytes, as: UTF8.self)
        guard line.count < 100, line.prefix(5).lowercased() == "date:" else { return true }
        let seconds = unsafe curl_getdate(String(line.dropFirst(5)), nil)
        date = seconds < 0 ? nil : Int64(seconds)
        return true
    }

    /// Whether a byte of the request has left.
    var wasSent: Bool { info(CURLINFO_REQUEST_SIZE) > 0 }

    private func info(_ info: CURLINFO) -> Int {
        var value = 0
        unsafe _ = matriarch_curl_get_long(easy, info, &value)
        return value
    }

    /// What came of it, by curl's code.
    func outcome(_ code: CURLcode) -> Result<HTTPAnswer, HTTPFailure> {
        if code == CURLE_OK {
            return .success(
                HTTPAnswer(status: info(CURLINFO_RESPONSE_CODE), body: body, date: date))
        }
        let cause = cause(of: code)
        return .failure(
            HTTPFailure(cause: cause, wasSent: wasSent, text: text(of: cause, code: code)))
    }

    /// Our words where curl's speak of curl; the system's reason where it matters most.
    private func text(of cause: HTTPFailure.Cause, code: CURLcode) -> String {
        switch cause {
        case .connecting:
            switch Int32(info(CURLINFO_OS_ERRNO)) {
            case ECONNREFUSED: return "connection refused"
            case EHOSTUNREACH: return "no route to the host"
            case ENETUNREACH: return "the network is unreachable"
            case ENOENT: return "there is no such socket"
            default: break
            }
        case .timedOut:
            return wasSent
                ? "no whole answer within \(job.request.limit.milliseconds) ms"
                : "no connection within \(shortestLimit.milliseconds) ms"
        case .disconnected: return "the connection ended before the whole answer was there"
        case .malformed: return "the answer is not HTTP"
        case .tooLarge: return "the answer is larger than \(job.request.bodyLimit >> 10) KiB"
        case .resolving, .cancelled, .other: break
        }
        let written = unsafe String(cString: reason)
        return written.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : written
    }

    private var shortestLimit: Duration { min(job.request.connectLimit, job.request.limit) }

    private func cause(of code: CURLcode) -> HTTPFailure.Cause {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: .resolving
        case CURLE_COULDNT_CONNECT: .connecting
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
            .disconnected
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            .malformed
        case CURLE_WRITE_ERROR where isTooLarge: .tooLarge
        default: .other(code.rawValue)
        }
    }
}

extension Duration {
    /// At least one: curl takes zero for "no limit".
    fileprivate var milliseconds: Int {
        let whole = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        return max(1, Int(min(whole, 86_400_000)))
    }
}
