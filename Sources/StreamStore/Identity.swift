/// The names and numbers by which streams, shards and records are known.

/// A stream's identity inside the store. Never reused, so that a deleted stream's records cannot return under its name.
public struct StreamID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public var rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// A shard's number in its stream, counted from 0 in order of creation and never reused.
public struct ShardID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public var index: UInt32
    public init(_ index: UInt32) { self.index = index }
    public static func < (a: Self, b: Self) -> Bool { a.index < b.index }
    /// Kinesis's form, `shardId-000000000000`.
    public var description: String {
        let digits = String(index)
        return "shardId-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// Reads a shard id as leniently as Kinesis does: `shardId-000000000005`, `shardId-5`, `anything-5` and `5` name shard 5.
    /// Nil when what follows the first hyphen is no number or exceeds 2147483647.
    public init?(_ text: some StringProtocol) {
        let afterHyphen = text.utf8.drop { $0 != UInt8(ascii: "-") }.dropFirst()
        var value: UInt32 = 0
        var digits = 0
        for byte in text.utf8.contains(UInt8(ascii: "-")) ? afterHyphen : text.utf8[...] {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, productOverflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = product.addingReportingOverflow(UInt32(digit))
            guard !productOverflow, !sumOverflow else { return nil }
            value = sum
            digits += 1
        }
        guard digits > 0, value <= UInt32(Int32.max) else { return nil }
        index = value
    }
}

/// One shard of one stream.
public struct ShardReference: Hashable, Sendable, Comparable, Codable {
    public var stream: StreamID
    public var shard: ShardID
    public init(_ stream: StreamID, _ shard: ShardID) {
        self.stream = stream
        self.shard = shard
    }
    public static func < (a: Self, b: Self) -> Bool { (a.stream, a.shard) < (b.stream, b.shard) }
}

/// A closed range of the 128-bit hash space [0, 2^128 - 1] (Kinesis API, HashKeyRange).
public struct HashKeyRange: Hashable, Sendable, Codable {
    public var start: UInt128
    public var end: UInt128
    public init(start: UInt128, end: UInt128) {
        self.start = start
        self.end = end
    }
    public func contains(_ key: UInt128) -> Bool { start <= key && key <= end }
}

/// Which names live together. Only `.stream` is listed by the Kinesis API; the others are hidden streams.
public enum StreamNamespace: String, Sendable, Codable, CaseIterable {
    /// What users create.
    case stream
    /// The buffer of a DirectPut delivery stream (DESIGN, decision 12).
    case delivery
    /// The state of a streaming application (DESIGN, decision 7).
    case application
    /// A table of latest values.
    case table
}

/// A stream's name inside its namespace.
public struct StreamKey: Hashable, Sendable, Codable {
    public var namespace: StreamNamespace
    public var name: String
    public init(_ name: String, in namespace: StreamNamespace = .stream) {
        self.name = name
        self.namespace = namespace
    }
}
