/// What the values of one column of a sample have in common.

/// The kinds of the values that were seen, and how long the longest is.
struct ValueEvidence {
    private struct Kinds: OptionSet {
        var rawValue: UInt8
        static let boolean = Kinds(rawValue: 1)
        static let integer = Kinds(rawValue: 2)
        static let bigint = Kinds(rawValue: 4)
        static let double = Kinds(rawValue: 8)
        static let timestamp = Kinds(rawValue: 16)
        static let text = Kinds(rawValue: 32)
    }

    /// A date and a time to the minute.
    private static let leastTimestampBytes = 16
    private static let leastLength = 4
    private static let greatestLength = 65_535

    private var kinds: Kinds = []
    /// Of the longest value as text.
    private var characters = 0

    /// Whether every value that is not NULL is a number.
    var isNumeric: Bool { !kinds.isEmpty && kinds.isSubset(of: [.integer, .bigint, .double]) }

    /// Notes a JSON value. NULL tells nothing.
    mutating func note(_ value: JSONValue, scratch: inout [UInt8]) {
        switch value.kind {
        case .null: return
        case .boolean: note(.boolean, length: 5)
        case .number: note(Self.kind(ofNumber: value.raw), length: value.raw.count)
        case .string:
            scratch.removeAll(keepingCapacity: true)
            value.appendText(to: &scratch)
            scratch.withUnsafeBytes { text in note(Self.isTimestamp(text) ? .timestamp : .text, length: Self.characters(text)) }
        case .array, .object: note(.text, length: Self.characters(value.raw))
        }
    }

    /// Notes a CSV field, which is text whatever it means; an empty one is NULL and tells nothing.
    mutating func note(field: [UInt8]) {
        if field.isEmpty { return }
        field.withUnsafeBytes { text in
            let text = text.trimmingBlanks
            let kind: Kinds =
                if DoubleText.parse(text) != nil {
                    Self.kind(ofNumber: text)
                } else if ["true", "false"].contains(String(decoding: text.prefix(6), as: UTF8.self).lowercased()) {
                    .boolean
                } else {
                    Self.isTimestamp(text) ? .timestamp : .text
                }
            note(kind, length: Self.characters(text))
        }
    }

    private mutating func note(_ kind: Kinds, length: Int) {
        kinds.insert(kind)
        characters = max(characters, length)
    }

    /// The narrowest type that holds all values. Lengths of texts are powers of two, so that the next longer value has room.
    var type: SQLType {
        switch kinds {
        case .boolean: return .boolean
        case .timestamp: return .timestamp
        case .integer: return .integer
        case .bigint, [.integer, .bigint]: return .bigint
        default:
            if isNumeric { return .double }
            var length = Self.leastLength
            while length < characters { length *= 2 }
            return .varchar(min(length, Self.greatestLength))
        }
    }

    private static func kind(ofNumber text: UnsafeRawBufferPointer) -> Kinds {
        guard let value = Int64(String(decoding: text, as: UTF8.self)) else {
            return DoubleText.parse(text) == nil ? .text : .double
        }
        return Int32(exactly: value) != nil ? .integer : .bigint
    }

    private static func isTimestamp(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count >= leastTimestampBytes && CivilTime.parseTimestamp(text.trimmingBlanks, .record) != nil
    }

    private static func characters(_ text: UnsafeRawBufferPointer) -> Int {
        String(decoding: text, as: UTF8.self).unicodeScalars.count
    }
}
