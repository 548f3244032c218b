/// A handful of things by name, in the order of their names: for so few a dictionary's hashing costs
/// more than looking at each, and its order is another one in every process.
struct Roster<Key: Hashable & Comparable & Sendable, Value: Sendable>: Sendable {
    private(set) var keys: [Key] = []
    /// Never `nil` but while one is changed in its place.
    private var slots: [Value?] = []

    init() {}

    var count: Int { keys.count }
    var isEmpty: Bool { keys.isEmpty }
    var values: [Value] { slots.compactMap { $0 } }

    subscript(key: Key) -> Value? {
        get {
            for position in keys.indices where keys[position] == key { return slots[position] }
            return nil
        }
        _modify {
            if let position = keys.firstIndex(of: key) {
                yield &slots[position]
                if slots[position] == nil {
                    keys.remove(at: position)
                    slots.remove(at: position)
                }
            } else {
                var value: Value?
                yield &value
                if let value {
                    let position = keys.firstIndex { key < $0 } ?? keys.count
                    keys.insert(key, at: position)
                    slots.insert(value, at: position)
                }
            }
        }
    }

    func names(where holds: (Value) -> Bool) -> [Key] {
        zip(keys, slots).compactMap { key, value in
            value.map(holds) == true ? key : nil
        }
    }

    subscript(key: Key, default fallback: @autoclosure () -> Value) -> Value {
        get { self[key] ?? fallback() }
        set { self[key] = newValue }
    }
}

extension Roster: Sequence {
    func makeIterator() -> some IteratorProtocol<(key: Key, value: Value)> {
        zip(keys, slots).lazy.compactMap { key, value in
            value.map { (key: key, value: $0) }
        }.makeIterator()
    }
}
