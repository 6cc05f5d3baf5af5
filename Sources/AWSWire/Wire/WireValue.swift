/// One value of a parsed body, seen in place.

/// A value inside a `WireDocument`. It is a few pointers, which hold only during the call that was given it.
public struct WireValue {
    /// What a value is.
    public enum Kind: Hashable, Sendable {
        case null, bool, number, string, blob, array, object
    }

    private let text: UnsafeBufferPointer<UInt8>
    private let tape: UnsafeBufferPointer<TapeEntry>
    private let index: Int

    init(text: UnsafeBufferPointer<UInt8>, tape: UnsafeBufferPointer<TapeEntry>, index: Int) {
        self.text = text
        self.tape = tape
        self.index = index
    }

    /// How many bytes the text has that this is part of, joined strings included.
    var textLength: Int { text.count }

    private var entry: TapeEntry { tape[index] }

    public var kind: Kind {
        switch entry.kind {
        case .null: .null
        case .false, .true: .bool
        case .number, .integer, .float, .time: .number
        case .string, .escapedString: .string
        case .bytes: .blob
        case .array: .array
        case .object: .object
        }
    }

    public var isNull: Bool { entry.kind == .null }

    /// Of `true` and `false`; nil for everything else.
    public var bool: Bool? {
        switch entry.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// The characters of a string as they stand in the text, if it has no escapes. Else nil.
    public var plainBytes: UnsafeBufferPointer<UInt8>? { entry.kind == .string ? characters : nil }

    /// The bytes of a blob; nil for everything else, a text in base64 included.
    public var blobBytes: UnsafeBufferPointer<UInt8>? { entry.kind == .bytes ? characters : nil }

    /// A string's text; nil for everything else.
    public var string: String? {
        switch entry.kind {
        case .string: String(decoding: characters, as: UTF8.self)
        case .escapedString: String(decoding: unescaped, as: UTF8.self)
        default: nil
        }
    }

    /// A number as it is written, or as JSON would have it; of a time the seconds. Nil for everything else.
    public var numberText: String? {
        switch entry.kind {
        case .number: String(decoding: characters, as: UTF8.self)
        case .integer: CBORHead(text, at: entry.offset)?.integerText
        case .float: CBORHead(text, at: entry.offset)?.float?.description
        case .time: milliseconds.map { (Double($0) / 1000).description }
        default: nil
        }
    }

    /// A number whatever its tag says: of a time its milliseconds, or its seconds where it is a float. For members that are no times.
    var untaggedNumberText: String? {
        guard entry.kind == .time, let head = CBORHead(text, at: entry.offset) else { return numberText }
        return head.float?.description ?? head.integerText
    }

    /// Of a value that is a time by its own word, milliseconds since 1970-01-01 UTC; nil for everything else.
    public var milliseconds: Int64? {
        guard entry.kind == .time, let head = CBORHead(text, at: entry.offset) else { return nil }
        return head.float.map { Coral.clamped(($0 * 1000).rounded()) } ?? head.integer
    }

    /// Appends a string's text in UTF-8. Returns where it lies in `bytes`; nil, with nothing appended, for everything else.
    public func appendString(to bytes: inout [UInt8]) -> Range<Int>? {
        let start = bytes.count
        switch entry.kind {
        case .string: bytes.append(contentsOf: characters)
        case .escapedString: JSONStrings.appendUnescaped(characters, to: &bytes)
        default: return nil
        }
        return start..<bytes.count
    }

    /// The elements of an array; none for everything else.
    public var elements: Elements { Elements(self, entry.kind == .array) }

    /// The members of an object, in their order; none for everything else.
    public var members: Members { Members(self, entry.kind == .object) }

    /// The member of an object with a name; the last one if there are several.
    public subscript(name: StaticString) -> WireValue? {
        var found: WireValue?
        for member in members where member.name.isString(equalTo: name) { found = member.value }
        return found
    }

    private var characters: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: text[entry.offset..<(entry.offset + entry.length)])
    }

    private var unescaped: [UInt8] {
        var bytes: [UInt8] = []
        JSONStrings.appendUnescaped(characters, to: &bytes)
        return bytes
    }

    private func isString(equalTo name: StaticString) -> Bool {
        let expected = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        switch entry.kind {
        case .string:
            guard entry.length == expected.count else { return false }
            return characters.elementsEqual(expected)
        case .escapedString: return unescaped.elementsEqual(expected)
        default: return false
        }
    }

    /// The index of the entry after this value and all that is in it.
    private var end: Int {
        switch entry.kind {
        case .array, .object: entry.offset
        default: index + 1
        }
    }

    private func at(_ index: Int) -> WireValue { WireValue(text: text, tape: tape, index: index) }

    /// The elements of an array.
    public struct Elements: Sequence, IteratorProtocol {
        private let container: WireValue
        private var following: Int
        private let end: Int

        fileprivate init(_ container: WireValue, _ isArray: Bool) {
            self.container = container
            following = container.index + 1
            end = isArray ? container.end : following
        }

        public mutating func next() -> WireValue? {
            guard following < end else { return nil }
            let value = container.at(following)
            following = value.end
            return value
        }
    }

    /// The members of an object.
    public struct Members: Sequence, IteratorProtocol {
        private var entries: Elements

        fileprivate init(_ container: WireValue, _ isObject: Bool) {
            entries = Elements(container, isObject)
        }

        public mutating func next() -> (name: WireValue, value: WireValue)? {
            guard let name = entries.next(), let value = entries.next() else { return nil }
            return (name, value)
        }
    }
}
