/// The JSON Schema (2020-12) of the manifest, for editors, made from the table that decodes it.
package enum ManifestSchema {
    /// The whole file `schema/manifest.schema.json`. What only the decoder can judge, such as names
    /// that lead nowhere, is not in it.
    package static var text: String {
        var definitions: [(String, OrderedJSON)] = []
        let root = object(ManifestShape.root, &definitions)
        let head: [(String, OrderedJSON)] = [
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("Matriarch cluster manifest, matriarch/v1")),
        ]
        let sorted = definitions.sorted { $0.0 < $1.0 }
        return OrderedJSON.object(head + root + [("$defs", .object(sorted))]).text + "\n"
    }

    private typealias Fields = [(String, OrderedJSON)]

    private static func object(_ shape: ObjectShape, _ definitions: inout Fields) -> Fields {
        var properties: Fields = []
        for key in shape.keys {
            let described: Fields = [("description", .string(key.summary))]
            properties.append((key.name, .object(described + schema(key.shape, &definitions))))
        }
        var fields: Fields = [("type", .string("object")), ("properties", .object(properties))]
        let required = shape.keys.filter(\.isRequired).map(\.name)
        if !required.isEmpty { fields.append(("required", .strings(required))) }
        if shape.allowsExtensions {
            fields.append(("patternProperties", .object([("^x-", .bool(true))])))
        }
        if !shape.exactlyOne.isEmpty {
            let choices = shape.exactlyOne.map {
                OrderedJSON.object([("required", .strings([$0]))])
            }
            fields.append(("oneOf", .array(choices)))
        }
        if !shape.atMostOne.isEmpty {
            fields.append(("not", .object([("required", .strings(shape.atMostOne))])))
        }
        return fields + [("additionalProperties", .bool(false))]
    }

    private static func schema(_ shape: Shape, _ definitions: inout Fields) -> Fields {
        switch shape {
        case .text(let rule): return [("type", .string("string"))] + self.rule(rule)
        case .scalar(let rule):
            return [("type", .strings(["string", "number", "boolean"]))] + self.rule(rule)
        case .words(let words): return [("enum", .strings(words))]
        case .integer(let range):
            return [
                ("type", .string("integer")), ("minimum", .int(range.lowerBound)),
                ("maximum", .int(range.upperBound)),
            ]
        case .positiveNumber: return [("type", .string("number")), ("exclusiveMinimum", .int(0))]
        case .boolean: return [("type", .string("boolean"))]
        case .list(let items, let least):
            return [
                ("type", .string("array")), ("items", .object(schema(items, &definitions))),
                ("minItems", .int(least)),
            ]
        case .map(let names, let values, let least):
            return [
                ("type", .string("object")), ("propertyNames", .object(rule(names))),
                ("additionalProperties", .object(schema(values, &definitions))),
                ("minProperties", .int(least)),
            ]
        case .object(let shape): return object(shape, &definitions)
        case .choice(let shapes):
            let choices = shapes.map { OrderedJSON.object(schema($0, &definitions)) }
            return [("anyOf", .array(choices))]
        case .jsonObject: return [("type", .string("object"))]
        case .shared(let name, let shape):
            if !definitions.contains(where: { $0.0 == name }) {
                let definition = schema(shape, &definitions)
                definitions.append((name, .object(definition)))
            }
            return [("$ref", .string("#/$defs/\(name)"))]
        }
    }

    private static func rule(_ rule: TextRule) -> Fields {
        var fields: Fields = []
        if let pattern = rule.pattern { fields.append(("pattern", .string(pattern))) }
        if let most = rule.maximumLength { fields.append(("maxLength", .int(most))) }
        return fields
    }
}
