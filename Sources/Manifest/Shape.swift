import LibYAML

/// What a part of the manifest may be. One tree of shapes drives the decoder and the JSON Schema.
indirect enum Shape: Sendable {
    /// Text, never a number or a boolean that was not quoted.
    case text(TextRule)
    /// A scalar of any type but empty, taken exactly as written.
    case scalar(TextRule)
    case words([String])
    case integer(ClosedRange<Int>)
    /// Any number above zero.
    case positiveNumber
    case boolean
    case list(of: Shape, atLeast: Int)
    case map(keys: TextRule, values: Shape, atLeast: Int)
    case object(ObjectShape)
    /// The first alternative that fits the kind of what is there: scalar, list or mapping.
    case choice([Shape])
    /// A mapping of anything that JSON can say.
    case jsonObject
    /// A shape used in several places, under the name that the JSON Schema gives it.
    case shared(String, Shape)

    static let port = Shape.integer(1...65535)
    static let name = Shape.text(.name)
    static let image = Shape.text(.image)
    static let quantity = Shape.text(.quantity)
    static let duration = Shape.text(.duration)

    /// Completes "expected …".
    var expectation: String {
        switch self {
        case .text(let rule), .scalar(let rule): rule.expectation
        case .words(let words): words.joined(separator: " or ")
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .positiveNumber: "a number above 0"
        case .boolean: "true or false"
        case .list(let items, _): "a list, each \(items.expectation)"
        case .map, .jsonObject: "a mapping"
        case .object(let object): "a mapping of \(object.summary)"
        case .choice(let shapes):
            shapes.map(\.expectation).joined(separator: ", or ")
        case .shared(_, let shape): shape.expectation
        }
    }

    /// Whether it is this kind of thing at all, whatever is inside.
    func fitsKind(of node: YAMLNode) -> Bool {
        switch (self, node.content) {
        case (.shared(_, let shape), _): shape.fitsKind(of: node)
        case (.choice(let shapes), _): shapes.contains { $0.fitsKind(of: node) }
        case (.list, .sequence), (.map, .mapping), (.object, .mapping),
            (.jsonObject, .mapping), (.text, .scalar), (.scalar, .scalar), (.words, .scalar),
            (.integer, .scalar), (.positiveNumber, .scalar), (.boolean, .scalar):
            true
        default: false
        }
    }

    /// One scalar and nothing else.
    var isScalar: Bool {
        switch self {
        case .text, .scalar, .words, .integer, .positiveNumber, .boolean: true
        case .choice(let shapes): shapes.contains(where: \.isScalar)
        case .shared(_, let shape): shape.isScalar
        case .list, .map, .object, .jsonObject: false
        }
    }

    /// The object in it, for suggestions across levels.
    var object: ObjectShape? {
        switch self {
        case .object(let object): object
        case .shared(_, let shape): shape.object
        case .choice(let shapes): shapes.lazy.compactMap(\.object).first
        default: nil
        }
    }
}

/// A mapping with known keys.
struct ObjectShape: Sendable {
    var keys: [Key]
    /// Groups of which exactly one key is there.
    var exactlyOne: [String] = []
    /// Pairs that exclude each other.
    var atMostOne: [String] = []
    /// `x-…` keys are left alone: a place for anchors.
    var allowsExtensions = false

    init(
        _ keys: [Key], exactlyOne: [String] = [], atMostOne: [String] = [],
        allowsExtensions: Bool = false
    ) {
        self.keys = keys
        self.exactlyOne = exactlyOne
        self.atMostOne = atMostOne
        self.allowsExtensions = allowsExtensions
    }

    /// Its keys, or the first few of many.
    var summary: String {
        keys.prefix(3).map(\.name).joined(separator: ", ") + (keys.count > 3 ? ", …" : "")
    }

    func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

/// One known key: its shape and what it is for, which editors show.
struct Key: Sendable {
    var name: String
    var shape: Shape
    var isRequired = false
    var summary: String

    init(_ name: String, _ shape: Shape, isRequired: Bool = false, _ summary: String) {
        self.name = name
        self.shape = shape
        self.isRequired = isRequired
        self.summary = summary
    }
}
