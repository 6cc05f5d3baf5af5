/// One record of a put request: where its parts lie in the request's arena, and the rules for them.

import AWSWire
import StreamStore

/// The partition key, the explicit hash key and the data of a record, as ranges of a buffer that all records of a request share.
struct PutEntry {
    var partitionKey: Range<Int>?
    var explicitHashKey: Range<Int>?
    var data: Range<Int>?

    static let maxDataLength = 10 << 20
    private static let keyConstraints: [Constraint] = [.notNull, .minLength(1), .maxLength(256)]
    private static let hashKeyConstraints: [Constraint] = [.pattern(.hashKey)]
    private static let dataConstraints: [Constraint] = [.notNull, .maxLength(maxDataLength)]

    init(_ fields: WireFields, arena: inout [UInt8]) throws(AWSError) {
        partitionKey = try fields.string("PartitionKey", to: &arena)
        explicitHashKey = try fields.string("ExplicitHashKey", to: &arena)
        data = try fields.blob("Data", to: &arena)
    }

    /// Whether the rules hold, decided without making texts. A key of so few bytes has no more UTF-16 units.
    func isPlain(_ arena: [UInt8]) -> Bool {
        guard let partitionKey, let data, (1...256).contains(partitionKey.count), data.count <= Self.maxDataLength else {
            return false
        }
        return explicitHashKey.map { Pattern.isDecimal(arena[$0], maxDigits: 39) } ?? true
    }

    func check(_ arena: [UInt8], _ violations: inout Violations) {
        if isPlain(arena) { return }
        violations.check("partitionKey", Self.text(partitionKey, arena), Self.keyConstraints)
        violations.check("explicitHashKey", Self.text(explicitHashKey, arena), Self.hashKeyConstraints)
        violations.check("data", data.map { Array(arena[$0]) }, Self.dataConstraints)
    }

    /// The record's place in the hash space.
    /// - Throws: `.invalidArgument` when the explicit hash key is too large.
    func hashKey(_ arena: UnsafeRawBufferPointer) throws(AWSError) -> UInt128 {
        guard let explicitHashKey else {
            return HashKey.hash(partitionKey: UnsafeRawBufferPointer(rebasing: arena[partitionKey ?? 0..<0]))
        }
        let text = String(decoding: arena[explicitHashKey], as: UTF8.self)
        guard case .key(let key) = HashKey.parse(explicit: text) else {
            throw AWSError(
                .invalidArgument,
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was \(text)")
        }
        return key
    }

    /// What counts toward the limits: data and partition key, in bytes.
    var size: Int { (data?.count ?? 0) + (partitionKey?.count ?? 0) }

    private static func text(_ range: Range<Int>?, _ arena: [UInt8]) -> String? {
        range.map { String(decoding: arena[$0], as: UTF8.self) }
    }
}
