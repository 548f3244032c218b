import CShims
import Glibc

/// Where a TCP connection goes.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    fileprivate let bytes: [UInt8]
    fileprivate let family: Int32
    /// The address as digits, without the port: `192.0.2.1`, `2001:db8::1`.
    package let address: String
    package let port: UInt16

    package var description: String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    package enum Family: Sendable { case any, version4, version6 }

    /// Every address of `host`, in the resolver's order. Digits are answered at once; names wait
    /// on a thread of their own.
    ///
    /// - Throws: `.system` with `getaddrinfo`'s code and words.
    package static func resolve(
        _ host: String, port: UInt16, family: Family = .any
    ) async throws(SSHError) -> [SocketAddress] {
        if let digits = try? lookUp(host, port, family, onlyDigits: true) { return digits }
        let answer: Result<[SocketAddress], SSHError> = await BlockingWork.shared.run {
            Result { () throws(SSHError) in try lookUp(host, port, family, onlyDigits: false) }
        }
        return try answer.get()
    }

    private static func lookUp(
        _ host: String, _ port: UInt16, _ family: Family, onlyDigits: Bool
    ) throws(SSHError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV | (onlyDigits ? AI_NUMERICHOST : AI_ADDRCONFIG)
        switch family {
        case .any: unsafe hints.ai_family = AF_UNSPEC
        case .version4: unsafe hints.ai_family = AF_INET
        case .version6: unsafe hints.ai_family = AF_INET6
        }
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw .system(
                operation: "resolving \(host)", code: code,
                text: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe SocketAddress(entry.pointee, port: port) {
                found.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    private init?(_ info: addrinfo, port: UInt16) {
        guard let source = unsafe info.ai_addr else { return nil }
        let length = unsafe Int(info.ai_addrlen)
        bytes = unsafe Array(UnsafeRawBufferPointer(start: source, count: length))
        family = unsafe info.ai_family
        self.port = port
        var name = [CChar](repeating: 0, count: 64)
        let code = unsafe getnameinfo(
            source, socklen_t(length), &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        address = String(
            decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// A socket that is connecting, or is connected already.
    func startConnecting() throws(SSHError) -> Descriptor {
        let number = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { throw .fromErrno("socket") }
        let descriptor = Descriptor(owning: number)
        _ = matriarch_set_option(number, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        _ = matriarch_set_option(number, SOL_SOCKET, SO_KEEPALIVE, 1)
        let code = unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return Int32(-1) }
            let address = unsafe base.assumingMemoryBound(to: sockaddr.self)
            return unsafe Glibc.connect(number, address, socklen_t(buffer.count))
        }
        guard code == 0 || errno == EINPROGRESS else { throw .fromErrno("connect") }
        return descriptor
    }
}

extension Descriptor {
    /// How a connect in progress went.
    enum Connecting { case going, done }
    func connecting() throws(SSHError) -> Connecting {
        var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&entry, 1, 0) > 0 else { return .going }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else { throw .fromErrno("connect", code) }
        return .done
    }
}
