/// Why bytes are not a record batch that this node takes.

public import Codecs

/// A record batch was refused, or could not be built.
public enum RecordBatchError: Error, Hashable, Sendable {
    /// A part of a batch.
    public enum Field: String, Hashable, Sendable {
        case baseOffset, batchLength, magic, attributes, lastOffsetDelta, recordCount
        case recordLength, timestampDelta, offsetDelta, keyLength, valueLength, headerCount, headerKeyLength, headerValueLength
        /// All records together.
        case records
    }

    /// There are fewer bytes than the batch, or a field of it, takes.
    case truncated(needed: Int, available: Int)
    /// A field breaks a rule, which is given in words.
    case invalid(Field, value: Int64, rule: String)
    /// A batch that Kafka knows but this node does not take, in words: an old format, a control or a compacted batch.
    case unsupported(Field, value: Int64, rule: String)
    /// The bytes were changed since the batch was built.
    case checksumMismatch(stored: UInt32, computed: UInt32)
    /// The records could not be compressed or decompressed.
    case codec(CodecError)
    /// A batch has at least one record.
    case empty
}

extension RecordBatchError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let needed, let available): "record batch: \(needed) bytes needed, \(available) there"
        case .invalid(let field, let value, let rule): "record batch: \(field.rawValue) is \(value), but \(rule)"
        case .unsupported(let field, let value, let rule): "record batch: \(field.rawValue) is \(value), but \(rule)"
        case .checksumMismatch(let stored, let computed):
            "record batch: CRC is \(String(computed, radix: 16)), but the header says \(String(stored, radix: 16))"
        case .codec(let error): "record batch: \(error)"
        case .empty: "record batch: no records"
        }
    }
}
