/// Notes as bytes: what commits changed in the states that conditions are decided against. See FileFormat.

internal import Codecs

/// Encodes and decodes notes: one item after the other, each begun by its kind.
enum CommitNote {
    enum Item: Equatable {
        /// Batches that a producer sent, oldest first; with `isWhole` they are all that is remembered of it.
        case producer(CommitLedger.ProducerName, epoch: Int16, [ProducerBook.Sent], isWhole: Bool)
        /// Nil: it was removed.
        case mark([UInt8], Mark?)
    }

    private enum Kind: UInt8 {
        case producer = 1
        case producerWhole = 2
        case mark = 3
        case markRemoved = 4
    }

    private static let producerHead = 24
    private static let sentSize = 24

    static func add(
        _ name: CommitLedger.ProducerName, epoch: Int16, _ sent: [ProducerBook.Sent], isWhole: Bool, to bytes: inout [UInt8]
    ) {
        bytes.append((isWhole ? Kind.producerWhole : .producer).rawValue)
        bytes.append(UInt8(truncatingIfNeeded: sent.count))
        bytes.add(epoch)
        bytes.add(name.id)
        bytes.add(name.partition.stream)
        bytes.add(name.partition.shard)
        for batch in sent {
            bytes.add(batch.first)
            bytes.add(batch.last)
            bytes.add(batch.place.baseOffset)
            bytes.add(batch.place.arrivalMilliseconds)
        }
    }

    static func add(_ name: [UInt8], _ mark: Mark?, to bytes: inout [UInt8]) {
        bytes.append((mark == nil ? Kind.markRemoved : .mark).rawValue)
        bytes.append(UInt8(truncatingIfNeeded: name.count))
        bytes += name
        guard let mark else { return }
        bytes.add(mark.version)
        bytes.add(UInt32(truncatingIfNeeded: mark.value.count))
        bytes += mark.value
    }

    /// The items of a note; nil for what no version of ours writes.
    static func items(_ note: UnsafeRawBufferPointer) -> [Item]? {
        var items: [Item] = []
        var place = 0
        while place < note.count {
            guard note.count - place >= 2, let kind = Kind(rawValue: note[place]) else { return nil }
            let count = Int(note[place + 1])
            switch kind {
            case .producer, .producerWhole:
                guard count <= ProducerBook.remembered, note.count - place >= producerHead + count * sentSize else { return nil }
                let name = CommitLedger.ProducerName(
                    id: note.field(place + 4), partition: LogID(stream: note.field(place + 12), shard: note.field(place + 20)))
                let sent = (0..<count).map { index in
                    let at = place + producerHead + index * sentSize
                    return ProducerBook.Sent(
                        first: note.field(at), last: note.field(at + 4),
                        place: LogAppended(baseOffset: note.field(at + 8), arrivalMilliseconds: note.field(at + 16)))
                }
                items.append(.producer(name, epoch: note.field(place + 2), sent, isWhole: kind == .producerWhole))
                place += producerHead + count * sentSize
            case .mark, .markRemoved:
                guard count > 0, note.count - place >= 2 + count else { return nil }
                let name = [UInt8](note.part(place + 2..<place + 2 + count))
                place += 2 + count
                guard kind == .mark else {
                    items.append(.mark(name, nil))
                    continue
                }
                guard note.count - place >= 12 else { return nil }
                let length = Int(note.field(place + 8, as: UInt32.self))
                guard note.count - place - 12 >= length else { return nil }
                items.append(
                    .mark(
                        name,
                        Mark(version: note.field(place), value: [UInt8](note.part(place + 12..<place + 12 + length)))))
                place += 12 + length
            }
        }
        return items
    }
}
