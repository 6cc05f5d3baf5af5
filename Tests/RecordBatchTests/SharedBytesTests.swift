/// Batches as slices of shared memory: handed over, written and sent without copies, and the markers of transactions among them.

import RecordBatch
import Testing

@Suite struct SharedBytesTests {
    @Test("a slice shares its memory, and joins the one behind it")
    func slices() {
        let bytes = BatchBytes([1, 2, 3, 4, 5, 6])
        let (first, second) = (bytes.slice(1..<3), bytes.slice(3..<6))
        #expect(Array(first) == [2, 3] && second.count == 3 && second[0] == 4)
        #expect(first.withUnsafeBytes { first in bytes.withUnsafeBytes { $0.baseAddress! + 1 == first.baseAddress! } })
        #expect(first.joined(second) == bytes.slice(1..<6))
        #expect(second.joined(first) == nil && first.joined(BatchBytes([4])) == nil)
        #expect(first.copied() == first)
        #expect(bytes.slice(6..<6).isEmpty && BatchBytes([UInt8]()).isEmpty)
    }

    private final class Owner: @unchecked Sendable {
        let array: UnsafeMutableRawBufferPointer
        let onEnd: @Sendable () -> Void
        init(_ count: Int, onEnd: @escaping @Sendable () -> Void) {
            array = .allocate(byteCount: count, alignment: 1)
            self.onEnd = onEnd
        }
        deinit {
            array.deallocate()
            onEnd()
        }
    }

    @Test("memory of others is kept as long as a batch in it lives, and no longer")
    func foreign() async throws {
        let golden = RecordBatchTests.golden
        try await confirmation { ended in
            var kept: RecordBatch?
            do {
                let owner = Owner(golden.count) { ended() }
                owner.array.copyBytes(from: golden)
                kept = try RecordBatch(validating: BatchBytes(unowned: UnsafeRawBufferPointer(owner.array), keeping: owner))
            }
            #expect(kept?.wireBytes == golden)
            kept = nil
        }
    }

    @Test("a copy of a builder goes its own way")
    func builders() throws {
        var one = RecordBatchBuilder(baseTimestamp: 0)
        try one.append(key: nil, value: [1], timestamp: 0)
        var two = one
        try one.append(key: nil, value: [2], timestamp: 0)
        try two.append(key: nil, value: [3], timestamp: 0)
        #expect(try one.finish().records().map(\.value) == [[1], [2]])
        #expect(try two.finish().records().map(\.value) == [[1], [3]])
    }

    @Test(
        "setting the offset leaves the bytes as they are; pieces for the wire have it in its place, in one piece where they can be")
    func wire() throws {
        let batch = try batch(count: 2)
        let moved = batch.settingBaseOffset(1 << 33)
        #expect(moved.bytes == batch.bytes && !moved.isAsStored && batch.isAsStored)
        #expect(try RecordBatch(validating: moved.wireBytes) == moved)
        #expect(moved != batch)
        // Three batches in one piece of memory, as a read of a segment gives them, with something between the second and the third.
        let memory = BatchBytes(batch.wireBytes + moved.wireBytes + [9, 9] + moved.wireBytes)
        let size = batch.bytes.count
        let read = try [0..<size, size..<2 * size, 2 * size + 2..<3 * size + 2].map {
            try RecordBatch(validating: memory.slice($0))
        }
        #expect(read == [batch, moved, moved] && read.allSatisfy(\.isAsStored))
        let slices = RecordBatch.wireSlices(read + [moved])
        #expect(slices.map(\.count) == [2 * size, size, 16, size - 16])
        #expect(slices.flatMap { Array($0) } == (read + [moved]).flatMap(\.wireBytes))
    }

    @Test("the marker of a transaction's end is stored, and is no record")
    func control() throws {
        var bytes = try batch(count: 1).wireBytes
        set(&bytes, 21, Int16(0b11_0000))
        sign(&bytes)
        let marker = try RecordBatch(validating: bytes)
        #expect(marker.isControl && marker.isTransactional && marker.recordCount == 1)
        try marker.checkRecords()
        #expect(try marker.records().isEmpty)
        var seen = 0
        try marker.forEachStoredRecord { _ in seen += 1 }
        #expect(seen == 1)
    }
}
