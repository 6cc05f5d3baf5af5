/// Makes sealed segments without data: header, index and trailer are real, the frames between are a hole.

import Host
import RecordBatch
import StreamLog

/// Sealed segments of one log that follow each other.
struct SparseSegments {
    let disk: RealDisk
    let log: LogID
    /// What every frame would hold.
    let batch: RecordBatch

    /// Writes so many segments, each of so many bytes or a frame less. They are not synced.
    func write(_ count: Int, bytesEach: Int, from start: Int64) throws(DiskError) {
        var base = start
        let frame = SegmentFrameHeader.size + batch.bytes.count
        let records = Int64(batch.recordCount)
        for _ in 0..<count {
            let header = SegmentHeader.encode(log: log, baseOffset: base)
            var state = SegmentState(
                baseOffset: base, headerChecksum: header.withUnsafeBytes { SegmentHeader($0)?.checksum } ?? 0)
            for _ in 0..<(bytesEach / frame) {
                state.add(
                    offset: state.endOffset, endOffset: state.endOffset + records, arrival: 1_700_000_000_000, length: frame,
                    checksum: 0x5EED, indexInterval: LogOptions().indexIntervalBytes)
            }
            let name = String(base)
            let path = "logs/\(log.stream)/\(log.shard)/\(String(repeating: "0", count: 20 - name.count))\(name).segment"
            let file = try disk.open(path, .createNew)
            defer { file.close() }
            try put(header, file, at: 0)
            try put(SegmentTrailer.encode(state), file, at: state.framesEnd)
            base = state.endOffset
        }
    }

    private func put(_ bytes: [UInt8], _ file: RealDiskFile, at place: UInt64) throws(DiskError) {
        try bytes.withUnsafeBufferPointer { buffer throws(DiskError) in try file.write(UnsafeRawBufferPointer(buffer), at: place) }
    }
}
