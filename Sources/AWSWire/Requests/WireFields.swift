/// Reads a request's members, with the conversions and the SerializationException texts of AWS's Coral framework.

/// What can be read out of an object of a request.
public protocol WireReadable: Sendable {
    /// - Throws: `.serialization`. The fields hold only during the call.
    init(_ fields: WireFields) throws(AWSError)
}

/// The members of an object, by name. Absent members and nulls are nil; unknown members are ignored.
public struct WireFields {
    /// The object itself.
    public let object: WireValue

    /// - Throws: `.serialization` when the value is no object. Null counts as an empty object.
    public init(_ value: WireValue) throws(AWSError) {
        switch value.kind {
        case .object, .null: object = value
        case .array: throw Coral.unexpectedList
        case .bool, .number, .string, .blob: throw AWSError(.serialization, "Expected null")
        }
    }

    /// How many bytes the whole body has.
    public var bodyLength: Int { object.textLength }

    /// The member, unless it is absent or null.
    public subscript(name: StaticString) -> WireValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    // MARK: Scalars

    public func string(_ name: StaticString) throws(AWSError) -> String? {
        try self[name].map { value throws(AWSError) in try Coral.string(value) }
    }

    /// Appends the text to `bytes`, in UTF-8, and returns where it lies.
    public func string(_ name: StaticString, to bytes: inout [UInt8]) throws(AWSError) -> Range<Int>? {
        guard let value = self[name] else { return nil }
        if let range = value.appendString(to: &bytes) { return range }
        throw Coral.mismatch(value, with: "an String")
    }

    /// A 32-bit number: fractions are cut off, what lies outside saturates.
    public func integer(_ name: StaticString) throws(AWSError) -> Int? {
        guard let value = self[name] else { return nil }
        return Int(Int32(clamping: try Coral.whole(value, as: "an Integer")))
    }

    /// A 64-bit number: fractions are cut off, what lies outside saturates.
    public func long(_ name: StaticString) throws(AWSError) -> Int64? {
        guard let value = self[name] else { return nil }
        return try Coral.whole(value, as: "an Long")
    }

    public func double(_ name: StaticString) throws(AWSError) -> Double? {
        guard let value = self[name] else { return nil }
        return try Coral.double(value, as: "an Double")
    }

    public func boolean(_ name: StaticString) throws(AWSError) -> Bool? {
        try self[name].map { value throws(AWSError) in try Coral.boolean(value) }
    }

    /// Milliseconds since 1970-01-01 UTC.
    public func timestamp(_ name: StaticString) throws(AWSError) -> Int64? {
        guard let value = self[name] else { return nil }
        if let milliseconds = value.milliseconds { return milliseconds }
        let seconds = try Coral.double(value, as: "milliseconds since epoch")
        return Coral.clamped((seconds * 1000).rounded())
    }

    public func blob(_ name: StaticString) throws(AWSError) -> [UInt8]? {
        var bytes: [UInt8] = []
        return try blob(name, to: &bytes) == nil ? nil : bytes
    }

    /// Appends the blob to `bytes` and returns where it lies.
    public func blob(_ name: StaticString, to bytes: inout [UInt8]) throws(AWSError) -> Range<Int>? {
        guard let value = self[name] else { return nil }
        return try Coral.blob(value, to: &bytes)
    }

    // MARK: Containers

    public func structure<Value: WireReadable>(
        _ name: StaticString, _: Value.Type = Value.self
    ) throws(AWSError) -> Value? {
        guard let value = self[name] else { return nil }
        return try Value(WireFields(value))
    }

    public func list<Element>(
        _ name: StaticString, _ read: (WireValue) throws(AWSError) -> Element
    ) throws(AWSError) -> [Element]? {
        guard let elements = try elements(name) else { return nil }
        var list: [Element] = []
        for element in elements { list.append(try read(element)) }
        return list
    }

    public func list<Element: WireReadable>(
        _ name: StaticString, of _: Element.Type = Element.self
    ) throws(AWSError) -> [Element]? {
        try list(name) { value throws(AWSError) in try Element(WireFields(value)) }
    }

    /// A list of texts; null elements are read as empty texts.
    public func strings(_ name: StaticString) throws(AWSError) -> [String]? {
        try list(name) { value throws(AWSError) in value.isNull ? "" : try Coral.string(value) }
    }

    /// The elements of a list, to be read in place.
    public func elements(_ name: StaticString) throws(AWSError) -> WireValue.Elements? {
        guard let value = self[name] else { return nil }
        switch value.kind {
        case .array, .null: return value.elements
        case .object: throw Coral.unexpectedStructure
        case .bool, .number, .string, .blob: throw AWSError(.serialization, "Expected list or null")
        }
    }

    /// A map of texts; null values are left out.
    public func map(_ name: StaticString) throws(AWSError) -> TextMap? {
        guard let value = self[name] else { return nil }
        switch value.kind {
        case .object, .null: break
        case .array: throw Coral.unexpectedList
        case .bool, .number, .string, .blob: throw AWSError(.serialization, "Expected map or null")
        }
        var entries: [(key: String, value: String)] = []
        for member in value.members where !member.value.isNull {
            entries.append((member.name.string ?? "", try Coral.string(member.value)))
        }
        return TextMap(entries)
    }
}

extension Optional where Wrapped == WireValue {
    fileprivate func map<Value>(_ read: (WireValue) throws(AWSError) -> Value) throws(AWSError) -> Value? {
        guard let self else { return nil }
        return try read(self)
    }
}
