/// Where in a shard reading begins, as GetShardIterator and SubscribeToShard are told.

import AWSWire
import StreamStore

/// A position that is still to be found in a shard (Kinesis API, ShardIteratorType, StartingPosition).
struct StartingPoint: Sendable {
    enum Kind: String {
        case afterSequenceNumber = "AFTER_SEQUENCE_NUMBER"
        case latest = "LATEST"
        case atTimestamp = "AT_TIMESTAMP"
        case atSequenceNumber = "AT_SEQUENCE_NUMBER"
        case trimHorizon = "TRIM_HORIZON"
    }

    /// In the order in which AWS lists them.
    static let kinds = ["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"]

    var kind: Kind
    var sequenceNumber: String?
    /// Milliseconds since 1970-01-01 UTC.
    var timestamp: Int64?
    /// The operation that was told, for messages.
    var operation: String

    init(type: String?, sequenceNumber: String?, timestamp: Int64?, operation: String) {
        kind = type.flatMap(Kind.init(rawValue:)) ?? .trimHorizon
        self.sequenceNumber = sequenceNumber
        self.timestamp = timestamp
        self.operation = operation
    }

    /// The first record to read.
    /// - Throws: `.invalidArgument` for what does not fit together, or not the shard.
    func offset(
        in shard: ShardDescription, of stream: StreamDescription, _ kinesis: Kinesis
    ) async throws(AWSError) -> Int64 {
        let number = try startingNumber(stream, shard, kinesis)
        let reference = ShardReference(stream.id, shard.id)
        let time = kind == .atTimestamp ? try await time(kinesis) : nil
        do throws(StoreError) {
            if let time { return try await kinesis.store.firstOffset(reference, arrivedAtOrAfter: time) }
            let bounds = try await kinesis.store.bounds(reference)
            switch (kind, number) {
            case (.afterSequenceNumber, let number?): return min(number.firstOffsetAfter, bounds.highWatermark)
            case (.atSequenceNumber, let number?): return min(number.firstOffsetAtOrAfter, bounds.highWatermark)
            case (.latest, _): return bounds.highWatermark
            default: return bounds.startOffset
            }
        } catch {
            throw kinesis.awsError(error)
        }
    }

    private func time(_ kinesis: Kinesis) async throws(AWSError) -> Int64 {
        guard let timestamp else {
            throw AWSError(
                .invalidArgument,
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp "
                    + "parameter.")
        }
        if await kinesis.isInFuture(timestamp) {
            throw AWSError(
                .invalidArgument,
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: "
                    + "\(timestamp), currentTimestampInMillis: \(kinesis.now)")
        }
        return timestamp
    }

    /// The number to start from, if the type wants one.
    private func startingNumber(
        _ stream: StreamDescription, _ shard: ShardDescription, _ kinesis: Kinesis
    ) throws(AWSError) -> SequenceNumber? {
        let wantsNumber = kind == .atSequenceNumber || kind == .afterSequenceNumber
        guard let text = sequenceNumber else {
            if wantsNumber { throw wrongCombination("no") }
            return nil
        }
        guard wantsNumber else { throw wrongCombination("also a") }
        let usage =
            "StartingSequenceNumber \(text) used in \(operation) on shard \(shard.id) in stream \(stream.key.name) under account "
            + "\(kinesis.settings.accountID) is invalid"
        guard let number = SequenceNumber(text) else { throw AWSError(.invalidArgument, usage + ".") }
        guard number.shard == shard.id else {
            throw AWSError(
                .invalidArgument,
                "Invalid StartingSequenceNumber. It encodes \(number.shard), while it was used in a call to a shard with \(shard.id)"
            )
        }
        guard number.belongs(to: shard) else {
            throw AWSError(.invalidArgument, usage + " because it did not come from this stream.")
        }
        return number
    }

    private func wrongCombination(_ article: String) -> AWSError {
        AWSError(
            .invalidArgument,
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or "
                + "LATEST and no StartingSequenceNumber. Request specified \(kind.rawValue) and \(article) StartingSequenceNumber.")
    }
}
