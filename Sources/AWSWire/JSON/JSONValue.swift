/// A JSON value of its own: for definitions that are kept and for answers that are put together.

/// JSON that owns its parts. Objects keep the order of their members, numbers keep their text.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// As written, such as `1.50`; never converted.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Parses a JSON text.
    /// - Throws: `JSONError`.
    public init(parsing text: [UInt8]) throws(JSONError) {
        self = try WireDocument(json: text).withRoot { JSONValue($0) }
    }

    /// Copies a value out of a request.
    public init(_ value: WireValue) {
        switch value.kind {
        case .null: self = .null
        case .bool: self = .bool(value.bool ?? false)
        case .number: self = .number(value.numberText ?? "0")
        case .string: self = .string(value.string ?? "")
        case .blob: self = .string(value.blobBytes.map { Base64.encode($0) } ?? "")
        case .array: self = .array(value.elements.map { JSONValue($0) })
        case .object:
            self = .object(JSONObject(value.members.map { .init(name: $0.name.string ?? "", value: JSONValue($0.value)) }))
        }
    }

    /// The member of an object; nil for other values and absent members.
    public subscript(name: String) -> JSONValue? {
        if case .object(let object) = self { object[name] } else { nil }
    }

    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    /// A number that is a whole one within 64 bits.
    public var integer: Int64? { if case .number(let text) = self { Int64(text) } else { nil } }
    public var double: Double? { if case .number(let text) = self { Double(text) } else { nil } }

    /// The text of the value, without white space.
    public var serialized: [UInt8] {
        var writer = WireWriter()
        writer.value(self)
        return writer.bytes
    }
}

/// A JSON object's members in order.
public struct JSONObject: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public var name: String
        public var value: JSONValue
        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }
    public var members: [Member]
    public init(_ members: [Member] = []) { self.members = members }

    /// Setting nil removes the member; a new one goes last.
    public subscript(name: String) -> JSONValue? {
        get { members.last { $0.name == name }?.value }
        set {
            guard let newValue else { return members.removeAll { $0.name == name } }
            if let index = members.lastIndex(where: { $0.name == name }) {
                members[index].value = newValue
            } else {
                members.append(Member(name: name, value: newValue))
            }
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .number(String(value)) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { .init(name: $0.0, value: $0.1) }))
    }
}
