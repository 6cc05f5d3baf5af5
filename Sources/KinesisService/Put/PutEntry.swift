/// One record of a put request: where its parts lie in the request's arena, and the rules for them.

import AWSWire
import StreamStore

/// The partition key, the explicit hash key and the data of a record, as ranges of a buffer that all records of a request share.
package struct PutEntry {
    /// A part in the arena, which has fewer than 2^32 bytes; absent where the start is the largest number.
    private struct Part {
        var start = UInt32.max
        var count: UInt32 = 0

        init() {}
        init(_ range: Range<Int>?) {
            guard let range else { return }
            start = UInt32(truncatingIfNeeded: range.lowerBound)
            count = UInt32(truncatingIfNeeded: range.count)
        }

        var range: Range<Int>? { start == .max ? nil : Int(start)..<Int(start) + Int(count) }
    }

    private var keyPart = Part()
    private var hashKeyPart = Part()
    private var dataPart = Part()

    package var partitionKey: Range<Int>? {
        get { keyPart.range }
        set { keyPart = Part(newValue) }
    }
    package var explicitHashKey: Range<Int>? {
        get { hashKeyPart.range }
        set { hashKeyPart = Part(newValue) }
    }
    package var data: Range<Int>? {
        get { dataPart.range }
        set { dataPart = Part(newValue) }
    }
    /// The partition key as `HashKey.hashes` takes it.
    var keyPlace: (start: UInt32, length: UInt32) { keyPart.start == .max ? (0, 0) : (keyPart.start, keyPart.count) }
    var hasExplicitHashKey: Bool { hashKeyPart.start != .max }

    static let maxDataLength = 10 << 20
    private static let keyConstraints: [Constraint] = [.notNull, .minLength(1), .maxLength(256)]
    private static let hashKeyConstraints: [Constraint] = [.pattern(.hashKey)]
    private static let dataConstraints: [Constraint] = [.notNull, .maxLength(maxDataLength)]

    init() {}

    init(_ fields: WireFields, arena: inout [UInt8]) throws(AWSError) {
        partitionKey = try fields.string("PartitionKey", to: &arena)
        explicitHashKey = try fields.string("ExplicitHashKey", to: &arena)
        data = try fields.blob("Data", to: &arena)
    }

    /// Whether the rules hold, decided without making texts. A key of so few bytes has no more UTF-16 units.
    func isPlain(_ arena: UnsafeBufferPointer<UInt8>) -> Bool {
        guard keyPart.start != .max, dataPart.start != .max, keyPart.count >= 1, keyPart.count <= 256,
            dataPart.count <= Self.maxDataLength
        else { return false }
        return explicitHashKey.map { Pattern.isDecimal(arena[$0], maxDigits: 39) } ?? true
    }

    func check(_ arena: [UInt8], _ violations: inout Violations) {
        if arena.withUnsafeBufferPointer({ isPlain($0) }) { return }
        violations.check("partitionKey", Self.text(partitionKey, arena), Self.keyConstraints)
        violations.check("explicitHashKey", Self.text(explicitHashKey, arena), Self.hashKeyConstraints)
        violations.check("data", data.map { Array(arena[$0]) }, Self.dataConstraints)
    }

    /// What the explicit hash key says; nil when there is none.
    /// - Throws: `.invalidArgument` when it is too large.
    func explicitHash(_ arena: UnsafeRawBufferPointer) throws(AWSError) -> UInt128? {
        guard let explicitHashKey else { return nil }
        let text = String(decoding: arena[explicitHashKey], as: UTF8.self)
        guard case .key(let key) = HashKey.parse(explicit: text) else {
            throw AWSError(
                .invalidArgument,
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was \(text)")
        }
        return key
    }

    /// What counts toward the limits: data and partition key, in bytes.
    var size: Int { Int(dataPart.count) + Int(keyPart.count) }

    private static func text(_ range: Range<Int>?, _ arena: [UInt8]) -> String? {
        range.map { String(decoding: arena[$0], as: UTF8.self) }
    }
}
