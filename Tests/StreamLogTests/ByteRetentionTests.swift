/// Which segments go when a log is to keep a number of bytes.

import Host
import HostSimulation
import StreamLog
import Testing

@Suite struct ByteRetentionTests {
    @Test("the oldest segments go as long as what stays has at least the bytes that are to be kept")
    func rule() {
        for (whole, rest, bytes, surplus) in [
            ([], 0, 0, 0), ([], 100, 1, 0), ([10, 10, 10], 0, 30, 0), ([10, 10, 10], 0, 31, 0), ([10, 10, 10], 0, 29, 0),
            ([10, 10, 10], 0, 20, 1), ([10, 10, 10], 0, 11, 1), ([10, 10, 10], 0, 10, 2), ([10, 10, 10], 0, 1, 2),
            ([10, 10, 10], 1, 1, 3), ([10, 10, 10], 5, 25, 1), ([10, 10, 10], 5, 15, 2), ([10, 10, 10], 5, 16, 1),
            ([1, 1_000, 1], 0, 2, 1), ([1, 1_000, 1], 0, 1, 2), ([10, 10], 0, 0, 2), ([.max, .max], .max, .max, 2),
            ([.max, .max, 1], 0, .max, 1),
        ] as [([UInt64], UInt64, UInt64, Int)] {
            #expect(surplusOfOne(whole, rest, bytes) == surplus, "\(whole) \(rest) \(bytes)")
        }
    }

    /// Of one log by itself.
    private func surplusOfOne(_ whole: [UInt64], _ rest: UInt64, _ bytes: UInt64) -> Int {
        ByteRetention.surplus([ByteRetention.Log(whole: whole.map { ($0, 7) }, rest: rest)], keeping: bytes)[0]
    }

    @Test("of several logs the oldest segments go first, and an empty log takes nothing from the others")
    func several() {
        func log(_ whole: [(UInt64, Int64)], _ rest: UInt64 = 0) -> ByteRetention.Log {
            ByteRetention.Log(whole: whole.map { ($0.0, $0.1) }, rest: rest)
        }
        let (old, new) = (log([(10, 1), (10, 4)]), log([(10, 2), (10, 3)], 5))
        #expect(ByteRetention.surplus([old, new, log([])], keeping: 45) == [0, 0, 0])
        #expect(ByteRetention.surplus([old, new, log([])], keeping: 36) == [0, 0, 0])
        #expect(ByteRetention.surplus([old, new, log([])], keeping: 35) == [1, 0, 0])
        #expect(ByteRetention.surplus([old, new, log([])], keeping: 25) == [1, 1, 0])
        #expect(ByteRetention.surplus([old, new, log([])], keeping: 15) == [1, 2, 0])
        #expect(ByteRetention.surplus([old, new, log([])], keeping: 5) == [2, 2, 0])
        #expect(ByteRetention.surplus([], keeping: 5) == [])
    }

    @Test("what stays is enough, and would not be with one segment less, for any sizes")
    func anySizes() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            let whole = (0..<Int.random(in: 0...8, using: &random)).map { _ in UInt64.random(in: 1...50, using: &random) }
            let rest = UInt64.random(in: 0...50, using: &random)
            let bytes = UInt64.random(in: 0...300, using: &random)
            let surplus = surplusOfOne(whole, rest, bytes)
            let staying = rest + whole.dropFirst(surplus).reduce(0, +)
            #expect(surplus == 0 || staying >= bytes)
            if surplus < whole.count { #expect(staying < bytes + whole[surplus]) }
        }
    }

    @Test("a log drops whole segments from the oldest on, keeps what it is to keep, and never what no segment holds")
    func log() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small)
        for tag in 0..<60 { _ = try await log.append([(firstLog, try batch(tag, bytes: 400)), (secondLog, try batch(tag))]) }
        // Closing writes all into segments of 4,000 bytes, the last of which is not full.
        await log.close()
        let (again, _) = try await open(disk, .small)
        let whole = segments(disk, firstLog)
        #expect(whole.count > 4)
        let other = segments(disk, secondLog)
        try await again.applyRetention([firstLog], keepingBytes: .max)
        #expect(segments(disk, firstLog) == whole)

        try await again.applyRetention([firstLog], keepingBytes: 9_000)
        let left = segments(disk, firstLog)
        #expect(left == Array(whole.suffix(left.count)))
        let bytes = left.reduce(0) { $0 + $1.bytes }
        #expect(bytes >= 9_000 && bytes - left[0].bytes < 9_000)
        let bounds = try again.bounds(firstLog)
        #expect(bounds.startOffset == left[0].base && bounds.highWatermark == 60)
        #expect(try await readAll(again, firstLog).batches.map(\.baseOffset) == Array(bounds.startOffset..<60))
        try await again.applyRetention([firstLog], keepingBytes: 9_000)
        #expect(segments(disk, firstLog) == left)

        // What is in memory only stays, however little is to be kept.
        _ = try await again.append([(firstLog, try batch(60, bytes: 400))])
        try await again.applyRetention([firstLog], keepingBytes: 0)
        let end = try again.bounds(firstLog)
        #expect(end.highWatermark == 61 && end.startOffset <= 60)
        #expect(try await readAll(again, firstLog).batches.last.map { plain($0.batch) } == (try batch(60, bytes: 400)))
        #expect(segments(disk, secondLog) == other)
        await again.close()
    }

    private struct File: Equatable {
        var base: Int64
        var bytes: UInt64
    }

    private func segments(_ disk: SimulatedDisk, _ log: LogID) -> [File] {
        let directory = "logs/\(log.stream)/\(log.shard)"
        let names = ((try? disk.list(directory)) ?? []).filter { $0.hasSuffix(".segment") }.sorted()
        return names.compactMap { name in
            guard let base = Int64(name.dropLast(".segment".count)), let file = try? disk.open("\(directory)/\(name)", .existing)
            else { return nil }
            defer { file.close() }
            return (try? file.size()).map { File(base: base, bytes: $0) }
        }
    }
}
