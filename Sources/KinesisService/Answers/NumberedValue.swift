/// Objects that differ in their sequence number only, as they stand in answers one after the other.

import AWSWire
import StreamStore

/// An object with a sequence number, written once; each use after the first has the number of the next record of the shard.
///
/// The records of a batch share everything but number, data and key, so what they share is not written anew for each.
struct NumberedValue {
    private var bytes: [UInt8]
    private let place: Int
    private var number: SequenceNumberText

    /// - Parameter others: writes the members after `SequenceNumber`.
    init(_ first: SequenceNumber, _ format: WireFormat, _ others: (inout WireWriter) -> Void) {
        number = SequenceNumberText(first)
        var writer = WireWriter(format, expectedBytes: 192)
        var place = 0
        writer.object { writer in
            place = writer.field("SequenceNumber", plainCount: SequenceNumber.digitCount) { first.writeDigits(to: $0) }
            others(&writer)
        }
        bytes = writer.bytes
        self.place = place
    }

    /// How many bytes it has, whatever the number.
    var count: Int { bytes.count }

    /// Moves past so many numbers without using them.
    mutating func skip(_ numbers: Int) {
        for _ in 0..<numbers { number.advance() }
    }

    /// Gives the object with the next number to `body`.
    @inline(__always)
    mutating func next(_ body: (UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { number.write(to: base + place) }
            body(UnsafeRawBufferPointer(bytes))
        }
        number.advance()
    }
}
