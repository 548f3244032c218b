/// The only source of chance in a simulation: SplitMix64, so that a seed is a whole story.
struct Seed: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def0 }

    /// A draw that does not move the sequence: the same for the same words at the same time, in
    /// whatever order.
    ///
    /// - Returns: `nil` but once in so many; then a number for whoever has to choose.
    func draw(oneIn count: Int, for words: String..., at now: Duration) -> UInt64? {
        var hash: UInt64 = state ^ 0xcbf2_9ce4_8422_2325
        for word in words {
            for byte in word.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        let (seconds, attoseconds) = now.components
        hash ^= UInt64(bitPattern: seconds) &* 0x9e37_79b9_7f4a_7c15
        hash ^= UInt64(bitPattern: attoseconds)
        var draw = Seed(hash)
        return draw.oneIn(count) ? draw.next() : nil
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True once in so many.
    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int.random(in: 0..<choices.count, using: &self)]
    }
}
