/// A name that the manifest or a live system gives to one kind of thing.
///
/// Distinct types per kind keep a node from being passed where a member is meant.
package protocol Name: RawRepresentable, Hashable, Comparable, Sendable, Codable,
    CodingKeyRepresentable, CustomStringConvertible, ExpressibleByStringLiteral
where RawValue == String {
    init(_ text: String)
}

extension Name {
    package init(rawValue: String) { self.init(rawValue) }
    package init(stringLiteral value: String) { self.init(value) }
    package var description: String { rawValue }
    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue.naturallyPrecedes(right.rawValue)
    }

    /// Compose's rule for a service's name. Such a name cannot leave its directory as a file's name,
    /// nor its place in a line of configuration; any other one that a server gives is not used.
    package var isPlain: Bool {
        let bytes = rawValue.utf8
        guard let first = bytes.first, bytes.count <= 128, first.isAlphanumeric else {
            return false
        }
        return bytes.allSatisfy {
            $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: ".")
        }
    }
}

/// The cluster: `name` of the manifest, Patroni's scope.
package struct ClusterName: Name {
    package let rawValue: String
    package init(_ text: String) { rawValue = text }
}

extension ClusterName {
    /// The label of every container that Matriarch made; its value is the cluster's name. One that
    /// was made by hand is adopted without it.
    package static let label = "matriarch.cluster"
}

/// A server: a key of `nodes`.
package struct NodeName: Name {
    package let rawValue: String
    package init(_ text: String) { rawValue = text }
}

/// A Patroni member, which is also its compose service and its hostname.
package struct MemberName: Name {
    package let rawValue: String
    package init(_ text: String) { rawValue = text }
    /// The compose service that runs this member.
    package var service: ServiceName { ServiceName(rawValue) }
}

/// An etcd member, which is also its compose service.
package struct EtcdName: Name {
    package let rawValue: String
    package init(_ text: String) { rawValue = text }
    /// The compose service that runs this member.
    package var service: ServiceName { ServiceName(rawValue) }
}

/// A service of the compose project.
package struct ServiceName: Name {
    package let rawValue: String
    package init(_ text: String) { rawValue = text }
}

/// A key of `secrets`.
package struct SecretName: Name {
    package let rawValue: String
    package init(_ text: String) { rawValue = text }
}

extension String {
    /// Orders `postgres-2` before `postgres-10`: runs of digits compare as numbers.
    package func naturallyPrecedes(_ other: String) -> Bool {
        var left = utf8.makeIterator()
        var right = other.utf8.makeIterator()
        var (a, b) = (left.next(), right.next())
        while let x = a, let y = b {
            guard x.isDigit, y.isDigit else {
                if x != y { return x < y }
                (a, b) = (left.next(), right.next())
                continue
            }
            while a == UInt8(ascii: "0") { a = left.next() }
            while b == UInt8(ascii: "0") { b = right.next() }
            // Of numbers with as many digits, the first digit that differs tells.
            var precedes: Bool?
            while let x = a, let y = b, x.isDigit, y.isDigit {
                if precedes == nil, x != y { precedes = x < y }
                (a, b) = (left.next(), right.next())
            }
            let isLonger = a?.isDigit == true
            if isLonger != (b?.isDigit == true) { return !isLonger }
            if let precedes { return precedes }
        }
        if (a == nil) != (b == nil) { return a == nil }
        // Equal but for leading zeros: fall back to bytes, so that the order stays total.
        return utf8.lexicographicallyPrecedes(other.utf8)
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
    fileprivate var isAlphanumeric: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self)
    }
}
