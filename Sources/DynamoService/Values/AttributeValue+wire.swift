/// Attribute values in requests and answers: `{"S": "text"}` and so on (DynamoDB API, AttributeValue).

package import AWSWire

extension AttributeValue {
    /// Reads one.
    /// - Parameter levels: how many lists and maps may still stand inside each other.
    /// - Throws: `.serialization` for a wrong JSON type, `.validation` in the service's words.
    package init(_ value: WireValue, levels: Int = AttributeValue.mostLevels) throws(AWSError) {
        let fields = try WireFields(value)
        var found: (kind: Kind, value: WireValue)?
        for member in fields.object.members where !member.value.isNull {
            guard let kind = Self.kind(member.name) else { continue }
            guard found == nil else {
                throw .invalid(
                    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
            }
            found = (kind, member.value)
        }
        guard let found else {
            throw .invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
        }
        self = try Self.read(found.kind, found.value, fields, levels)
    }

    private static func kind(_ name: WireValue) -> Kind? {
        if let bytes = name.plainBytes, bytes.count == 1 {
            switch bytes[0] {
            case UInt8(ascii: "S"): return .string
            case UInt8(ascii: "N"): return .number
            case UInt8(ascii: "B"): return .binary
            case UInt8(ascii: "M"): return .map
            case UInt8(ascii: "L"): return .list
            default: return nil
            }
        }
        return name.string.flatMap { Kind(rawValue: $0) }
    }

    private static func read(
        _ kind: Kind, _ value: WireValue, _ fields: WireFields, _ levels: Int
    ) throws(AWSError) -> AttributeValue {
        switch kind {
        case .string: return .string(try text(value))
        case .number: return .number(try number(value))
        case .binary: return .binary(try fields.blob("B") ?? [])
        case .bool: return .bool(try fields.boolean("BOOL") ?? false)
        case .null:
            guard try fields.boolean("NULL") == true else {
                throw .invalidParameter("Null attribute value types must have the value of true")
            }
            return .null
        case .list, .map:
            guard levels > 0 else { throw .invalid("Nesting Levels have exceeded supported limits") }
            guard kind == .list else { return .map(try item(value, levels: levels - 1)) }
            return .list(
                try fields.list("L") { element throws(AWSError) in try AttributeValue(element, levels: levels - 1) } ?? [])
        case .stringSet, .numberSet, .binarySet: return try set(kind, fields)
        }
    }

    private static func set(_ kind: Kind, _ fields: WireFields) throws(AWSError) -> AttributeValue {
        switch kind {
        case .numberSet:
            let numbers = try fields.list("NS") { value throws(AWSError) in try number(value) } ?? []
            guard !numbers.isEmpty else { throw .invalidParameter("An number set  may not be empty") }
            guard Set(numbers).count == numbers.count else {
                throw .invalid("Input collection contains duplicates")
            }
            return .numberSet(of: numbers)
        case .binarySet:
            let elements = try fields.list("BS") { value throws(AWSError) in try blob(value) } ?? []
            guard !elements.isEmpty else { throw .invalidParameter("Binary sets should not be empty") }
            guard Set(elements).count == elements.count else {
                throw .invalidParameter("Input collection \(AttributeValue.binarySet(elements).shown) contains duplicates.")
            }
            return .binarySet(of: elements)
        default:
            let elements = try fields.list("SS") { value throws(AWSError) in try text(value) } ?? []
            guard !elements.isEmpty else { throw .invalidParameter("An string set  may not be empty") }
            guard Set(elements).count == elements.count else {
                throw .invalidParameter("Input collection \(AttributeValue.stringSet(elements).shown) contains duplicates.")
            }
            return .stringSet(of: elements)
        }
    }

    /// A map's or an item's members.
    package static func item(_ value: WireValue, levels: Int = AttributeValue.mostLevels) throws(AWSError) -> Item {
        switch value.kind {
        case .object, .null: break
        case .array: throw AWSError(.serialization, "Start of list found where not expected")
        case .bool, .number, .string, .blob: throw AWSError(.serialization, "Expected map or null")
        }
        var item: Item = [:]
        for member in value.members {
            item[try text(member.name)] = try AttributeValue(member.value, levels: levels)
        }
        return item
    }

    static func text(_ value: WireValue) throws(AWSError) -> [UInt8] {
        if let bytes = value.plainBytes { return Array(bytes) }
        return Array(try Coral.string(value).utf8)
    }

    private static func blob(_ value: WireValue) throws(AWSError) -> [UInt8] {
        if let bytes = value.blobBytes { return Array(bytes) }
        guard let bytes = Base64.decode(try Coral.string(value)) else {
            throw AWSError(.serialization, "Invalid Base64 in a binary set")
        }
        return bytes
    }

    private static func number(_ value: WireValue) throws(AWSError) -> DynamoNumber {
        let text = try text(value)
        do throws(DynamoNumber.Problem) {
            return try DynamoNumber(text)
        } catch {
            throw error.error(of: text)
        }
    }
}

extension DynamoNumber.Problem {
    /// In the service's words.
    func error(of text: [UInt8]) -> AWSError {
        switch self {
        case .notNumeric:
            .invalid(
                "The parameter cannot be converted to a numeric value"
                    + (text.isEmpty ? "" : ": \(String(decoding: text.prefix(256), as: UTF8.self))"))
        case .tooLarge: .invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
        case .tooSmall: .invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
        case .tooPrecise: .invalid("Attempting to store more than 38 significant digits in a Number")
        }
    }
}

extension AWSError {
    /// A ValidationException.
    static func invalid(_ message: String) -> AWSError { AWSError(.validation, message) }

    /// A ValidationException about parameters' values.
    static func invalidParameter(_ message: String) -> AWSError {
        AWSError(.validation, "One or more parameter values were invalid: \(message)")
    }
}

// MARK: Answers

extension WireWriter {
    /// A member whose name is an attribute's.
    mutating func member(_ name: AttributeName, _ value: AttributeValue) {
        name.withUnsafeBytes { self.name(utf8: $0) }
        self.value(value)
    }

    mutating func value(_ value: AttributeValue) {
        object { writer in
            switch value {
            case .string(let bytes): bytes.withUnsafeBytes { writer.field("S", utf8: $0) }
            case .number(let number): number.text.withUnsafeBytes { writer.field("N", utf8: $0) }
            case .binary(let bytes): writer.field("B", blob: bytes)
            case .bool(let flag): writer.field("BOOL", flag)
            case .null: writer.field("NULL", true)
            case .list(let elements): writer.list("L", elements) { $0.value($1) }
            case .map(let members): writer.item("M", members)
            case .stringSet(let elements):
                writer.list("SS", elements) { writer, bytes in bytes.withUnsafeBytes { writer.value(utf8: $0) } }
            case .numberSet(let numbers):
                writer.list("NS", numbers) { writer, number in number.text.withUnsafeBytes { writer.value(utf8: $0) } }
            case .binarySet(let elements):
                writer.list("BS", elements) { writer, bytes in bytes.withUnsafeBytes { writer.value(blob: $0) } }
            }
        }
    }

    /// An item or a map as a member; nil is left out.
    mutating func item(_ name: StaticString, _ item: Item?) {
        guard let item else { return }
        object(name) { $0.members(of: item) }
    }

    /// An item as the next value.
    mutating func value(_ item: Item) { object { $0.members(of: item) } }

    private mutating func members(of item: Item) {
        for (name, value) in item { member(name, value) }
    }
}

extension AttributeValue {
    /// As the service shows it in a message: `{S:text}`, and a set as `[a, b]`.
    var shown: String {
        switch self {
        case .string(let bytes): "{S:\(Self.shown(bytes))}"
        case .number(let number): "{N:\(Self.shown(number.text))}"
        case .binary(let bytes): "{B:\(Blob.shown(bytes.count))}"
        case .bool(let flag): "{BOOL:\(flag)}"
        case .null: "{NULL:true}"
        case .stringSet(let elements): "[\(elements.prefix(16).map(Self.shown).joined(separator: ", "))]"
        case .binarySet(let elements): "[\(elements.prefix(16).map { Blob.shown($0.count) }.joined(separator: ", "))]"
        case .numberSet(let numbers): "[\(numbers.prefix(16).map { Self.shown($0.text) }.joined(separator: ", "))]"
        case .list(let elements): "{L:[\(elements.count) elements]}"
        case .map(let members): "{M:{\(members.count) members}}"
        }
    }

    private static func shown(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix(128), as: UTF8.self) }
}
