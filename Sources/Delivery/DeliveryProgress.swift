/// How far a delivery stream has delivered, as it is kept in the store's definitions.

package import StreamStore

/// A span of a shard's offsets, the end not included.
package struct OffsetSpan: Codable, Sendable, Hashable {
    package var from: Int64
    package var to: Int64

    package init(from: Int64, to: Int64) {
        self.from = from
        self.to = to
    }
}

/// An object that was decided on: the same records under the same name, however often it has to be written.
package struct PlannedObject: Codable, Sendable, Hashable {
    package var key: String
    /// By shard number; records stand in the object in order of shard, then of offset.
    package var spans: [UInt32: OffsetSpan]

    package init(key: String, spans: [UInt32: OffsetSpan]) {
        self.key = key
        self.spans = spans
    }
}

/// The durable state of a delivery stream.
///
/// Each record is in exactly one object, because an object is planned durably before it is written: after a crash the plan is carried out
/// again, giving the same bytes under the same name, and only then do the positions move on.
package struct DeliveryProgress: Codable, Sendable, Hashable {
    /// The stream that the positions count in. A stream deleted and made anew has another.
    package var stream: StreamID
    /// The first offset of each shard that is in no object yet.
    package var positions: [UInt32: Int64]
    package var planned: PlannedObject?

    package init(stream: StreamID, positions: [UInt32: Int64], planned: PlannedObject? = nil) {
        self.stream = stream
        self.positions = positions
        self.planned = planned
    }

    /// The planned object is in the archive.
    package mutating func completePlanned() {
        guard let planned else { return }
        for (shard, span) in planned.spans { positions[shard] = span.to }
        self.planned = nil
    }
}
