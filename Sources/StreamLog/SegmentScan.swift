/// Reads a segment through, as recovery does for one that has no trailer.

internal import Codecs
internal import RecordBatch

/// What a segment's bytes prove.
package struct SegmentScan: Sendable {
    package private(set) var state: SegmentState
    /// Ranges of offsets that are damaged within the segment: bad frames with good ones after them.
    package private(set) var gaps: [Range<Int64>] = []
    /// Bytes after the last good frame.
    package private(set) var tailBytes: Int

    /// - Parameters:
    ///   - start: gaps before this offset do not count.
    ///   - end: the journal holds everything from here on; frames from there on are left out, to be written again.
    package init(_ bytes: UnsafeRawBufferPointer, header: SegmentHeader, start: Int64, end: Int64, indexInterval: Int) {
        state = SegmentState(baseOffset: header.baseOffset, headerChecksum: header.checksum)
        tailBytes = 0
        var place = SegmentHeader.size
        var chained = true
        while let found = SegmentScan.nextFrame(bytes, from: place, least: state.endOffset) {
            guard found.header.baseOffset < end else { break }
            let exact = found.place == place && (!chained || found.header.previousChecksum == state.lastChecksum)
            let gapStart = max(start, state.endOffset)
            if gapStart < found.header.baseOffset { gaps.append(gapStart..<found.header.baseOffset) }
            if !exact { state.framesEnd = UInt64(found.place) }
            let header = found.header
            state.add(
                offset: header.baseOffset, endOffset: header.endOffset, arrival: header.arrival, length: header.length,
                checksum: header.checksum, indexInterval: indexInterval)
            chained = true
            place = found.place + header.length
        }
        tailBytes = bytes.count - place
    }

    /// The next whole frame at or after a place whose offsets go on; its batch is checked too.
    private static func nextFrame(
        _ bytes: UnsafeRawBufferPointer, from start: Int, least: Int64
    ) -> (header: SegmentFrameHeader, place: Int)? {
        var place = start
        while place <= bytes.count - SegmentFrameHeader.size {
            if bytes.field(place, as: UInt32.self) == SegmentFrameHeader.magic, let header = SegmentFrameHeader(bytes, at: place),
                header.baseOffset >= least, header.length <= bytes.count - place,
                header.kind == .hole
                    || RecordBatch.isIntact(
                        bytes.part(place + SegmentFrameHeader.size..<place + header.length), baseOffset: header.baseOffset,
                        crc: header.batchChecksum)
            {
                return (header, place)
            }
            place += 1
        }
        return nil
    }
}
