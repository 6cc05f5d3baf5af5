/// What is remembered of one idempotent producer in one partition, and what follows from it for its next batch.

/// The last batches of a producer, as Kafka remembers them (kafka-wire.md, section 3; KIP-98).
struct ProducerBook: Sendable, Equatable {
    /// A batch that was appended.
    struct Sent: Sendable, Equatable {
        var first: Int32
        var last: Int32
        var place: LogAppended
    }

    /// How many batches are remembered: as many as a client has in flight.
    static let remembered = 5

    var epoch: Int16
    /// The newest last.
    var sent: [Sent]

    enum Verdict: Equatable {
        case append
        /// It is there.
        case present(LogAppended)
        case refuse(ConditionRefusal)
    }

    /// The latest arrival of a batch.
    var lastArrival: Int64 { sent.last?.place.arrivalMilliseconds ?? .min }

    func judge(epoch: Int16, first: Int32, last: Int32) -> Verdict {
        if epoch < self.epoch { return .refuse(.producerFenced(current: self.epoch)) }
        if epoch > self.epoch { return first == 0 ? .append : .refuse(.sequence(expected: 0)) }
        if let there = sent.last(where: { $0.first == first && $0.last == last }) { return .present(there.place) }
        guard let newest = sent.last else { return .append }
        let expected = newest.last == .max ? 0 : newest.last + 1
        if first == expected { return .append }
        // Sequences wrap; what lies behind by less than half of them was sent before.
        let behind = expected &- first
        return .refuse(behind > 0 && sent.count == ProducerBook.remembered ? .duplicate : .sequence(expected: expected))
    }

    mutating func add(epoch: Int16, _ batch: Sent) {
        if epoch != self.epoch {
            self.epoch = epoch
            sent = []
        }
        sent.append(batch)
        if sent.count > ProducerBook.remembered { sent.removeFirst(sent.count - ProducerBook.remembered) }
    }
}
