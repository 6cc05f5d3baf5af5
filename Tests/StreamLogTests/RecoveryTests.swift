/// Recovery: the table of verdicts, torn files at every byte, bit flips, missing and swapped files.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

@Suite struct RecoveryTests {
    @Test("the table has exactly one verdict for every combination")
    func table() {
        for finding in Recovery.Finding.allCases {
            for later in Recovery.Later.allCases {
                #expect(Recovery.table.filter { $0.finding == finding && $0.later == later }.count == 1)
            }
        }
        #expect(Recovery.table.count == Recovery.Finding.allCases.count * Recovery.Later.allCases.count)
        // What was acknowledged is never cut: only where nothing later exists.
        for row in Recovery.table where row.verdict == .cut || row.verdict == .end { #expect(row.later == .none) }
        for row in Recovery.table where row.later == .proves && row.finding != .valid { #expect(row.verdict == .salvage) }
    }

    /// A frame in the journal of a test: where it begins, where its content ends, where the next one begins.
    private struct Placed {
        var start: Int
        var end: Int
        var next: Int
    }

    /// A journal of `count` frames with one or two batches each.
    private func journal(_ count: Int, bytes: Int = 200) throws -> (bytes: [UInt8], frames: [Placed]) {
        var writer = JournalFrameWriter(after: 0, checksum: 0, directory: [])
        writer.beginFile(nonce: 77)
        var content: [UInt8] = []
        var frames: [Placed] = []
        for frame in 0..<count {
            let offset = Int64(frame)
            var batches = [try batch(frame, bytes: bytes).settingBaseOffset(offset)]
            var entries = [entry(firstLog, batches[0])]
            if frame % 3 == 0 {
                batches.append(batches[0].settingBaseOffset(offset / 3))
                entries.append(entry(secondLog, batches[1]))
            }
            writer.make(arrival: 1_000 + offset, entries: entries, batches: batches)
            writer.accept()
            let start = content.count
            content += writer.bytes
            let length = try #require(content.withUnsafeBytes { JournalHeader($0, at: start)?.length })
            frames.append(Placed(start: start, end: start + length, next: content.count))
        }
        return (content, frames)
    }

    private func entry(_ log: LogID, _ batch: RecordBatch) -> JournalEntry {
        JournalEntry(
            kind: .batch, log: log, offset: batch.baseOffset, recordCount: UInt32(batch.recordCount),
            length: UInt32(batch.bytes.count), checksum: batch.crc)
    }

    @Test("a journal cut at any byte of 64 KB keeps exactly the frames that end at or before the cut")
    func tornJournalAtEveryByte() throws {
        let (bytes, frames) = try journal(17, bytes: 3_000)
        #expect(bytes.count > 64 << 10)
        // Cuts are judged from the frame they fall into on: those before are whole in every case, which the cuts in them show.
        for (index, frame) in frames.enumerated() {
            let number = UInt64(index + 1)
            for cut in frame.start..<frame.next {
                let scan = JournalScan([.init(name: number, bytes: Array(bytes[frame.start..<cut]))])
                let isWhole = cut >= frame.end
                #expect(scan.frames.count == (isWhole ? 1 : 0) && scan.damagedFiles.isEmpty, "byte \(cut)")
                #expect(scan.lastSequence == number - (isWhole ? 0 : 1))
                let hasHeader = cut - frame.start >= JournalHeader.size
                #expect(scan.cutBytes == (isWhole || !hasHeader ? 0 : cut - frame.start))
            }
        }
        for cut in stride(from: 0, through: bytes.count, by: 97) {
            let scan = JournalScan([.init(name: 1, bytes: Array(bytes[..<cut]))])
            #expect(scan.frames.count == frames.filter { $0.end <= cut }.count)
            #expect(scan.lostFrames.isEmpty && scan.damagedFiles.isEmpty)
        }
    }

    @Test("a journal whose last frame is overwritten with noise from any byte on is cut before it")
    func noiseInLastFrame() throws {
        let (bytes, frames) = try journal(6)
        var random = SeededGenerator(seed: 5)
        for place in frames[5].start..<frames[5].end {
            var torn = bytes
            for index in place..<bytes.count { torn[index] = UInt8.random(in: 0...255, using: &random) }
            if torn[place..<frames[5].end] == bytes[place..<frames[5].end] { continue }
            let scan = JournalScan([.init(name: 1, bytes: torn)])
            #expect(scan.frames.count == 5 && scan.damagedFiles.isEmpty)
        }
    }

    @Test("what a recycled file held in its earlier life is never taken for frames of this one, wherever this one ends")
    func recycledFile() throws {
        let (old, _) = try journal(12)
        var writer = JournalFrameWriter(after: 12, checksum: 5, directory: [])
        writer.beginFile(nonce: 78)
        var bytes = old
        var place = 0
        for frame in 12..<18 {
            let batch = try batch(frame, bytes: frame == 15 ? 9_000 : 100).settingBaseOffset(Int64(frame))
            writer.make(arrival: 2_000, entries: [entry(firstLog, batch)], batches: [batch])
            writer.accept()
            bytes.replaceSubrange(place..<place + writer.bytes.count, with: writer.bytes)
            place += writer.bytes.count
            let scan = JournalScan([.init(name: 13, bytes: bytes)])
            #expect(scan.frames.map(\.sequence) == Array(13...UInt64(frame + 1)))
            #expect(scan.damagedFiles.isEmpty && scan.lostFrames.isEmpty && scan.cutBytes == 0)
        }
    }

    @Test("records that look like frames of the journal are not taken for any")
    func forgedFrames() throws {
        let (bytes, frames) = try journal(3)
        // The last frame is torn, and in its place stands what a producer sent: a frame with a later number at a block's beginning.
        let (forged, places) = try journal(9)
        let later = Array(forged[places[8].start..<places[8].next])
        var torn = Array(bytes[..<(frames[2].start + 10)]) + [UInt8](repeating: 0, count: 4_086)
        var other = later
        other[40] ^= 1  // another file's nonce, the header's checksum mended
        other.withUnsafeMutableBytes { bytes in
            let sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[0..<52]))
            bytes.storeBytes(of: sum.littleEndian, toByteOffset: 52, as: UInt32.self)
        }
        torn += other
        let scan = JournalScan([.init(name: 1, bytes: torn)])
        #expect(scan.frames.map(\.sequence) == [1, 2] && scan.damagedFiles.isEmpty)
    }

    @Test("every bit flipped in the middle of a journal is found, and harms one append at the most")
    func flipsInJournal() throws {
        let (bytes, frames) = try journal(9, bytes: 60)
        let place = frames[4]
        for index in place.start..<place.next {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                let scan = JournalScan([.init(name: 1, bytes: flipped)])
                #expect(scan.damagedFiles == (index < place.end ? [0] : []), "byte \(index), bit \(bit)")
                #expect(scan.lostFrames.isEmpty)
                #expect(scan.frames.map(\.sequence) == Array(1...9))
                #expect(scan.frames.map(\.arrival) == Array(1_000...1_008), "byte \(index)")
                for frame in scan.frames {
                    for (entry, batch) in zip(frame.entries, frame.batches) {
                        guard let batch else {
                            #expect(frame.sequence == 5 && entry.offset == 4)
                            continue
                        }
                        #expect(flipped[batch] == bytes[batch])
                    }
                }
                // Header and directory are there twice: what hits them costs nothing.
                let isInBatch =
                    index < place.end && index >= place.end - Int(scan.frames[4].entries.reduce(0) { $0 + Int($1.length) })
                #expect(scan.frames[4].batches.contains(nil) == isInBatch, "byte \(index)")
            }
        }
    }

    @Test("of two frames in a row that are damaged in their headers the second is saved, for the next one repeats its directory")
    func twoDamagedHeaders() throws {
        let (bytes, frames) = try journal(9, bytes: 60)
        var flipped = bytes
        for frame in 3...4 { flipped[frames[frame].start + 9] ^= 1 }
        let scan = JournalScan([.init(name: 1, bytes: flipped)])
        #expect(scan.lostFrames == [4...4])
        #expect(scan.frames.map(\.sequence) == [1, 2, 3, 5, 6, 7, 8, 9])
        #expect(scan.frames[3].batches.allSatisfy { $0 != nil })
    }

    @Test("the rest of a refused or cut frame before a frame that takes its place is passed over without harm")
    func remains() throws {
        let (bytes, frames) = try journal(6)
        for cut in [1, 30, 55, 56, 60, 100, 200] {
            let torn = Array(bytes[..<(frames[4].start + cut)])
            let rest = Array(bytes[frames[4].start...])
            let scan = JournalScan([.init(name: 1, bytes: torn), .init(name: 5, bytes: rest)])
            #expect(scan.frames.map(\.sequence) == Array(1...6))
            #expect(scan.damagedFiles.isEmpty && scan.cutBytes == (cut < JournalHeader.size ? 0 : cut))
        }
    }

    @Test("a missing journal file is reported with the numbers of its frames")
    func missingFile() throws {
        let (bytes, frames) = try journal(9)
        let scan = JournalScan([
            .init(name: 1, bytes: Array(bytes[..<frames[3].start])), .init(name: 7, bytes: Array(bytes[frames[6].start...])),
        ])
        #expect(scan.frames.map(\.sequence) == [1, 2, 3, 6, 7, 8, 9])
        #expect(scan.frames[3].batches.allSatisfy { $0 == nil })
        #expect(scan.lostFrames == [4...5])
    }

    // MARK: Segments

    private func segment(batches: Int) async throws -> (bytes: [UInt8], disk: SimulatedDisk, path: String) {
        var options = LogOptions.journalOnly
        options.segmentBytes = 1 << 20
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, options)
        for tag in 0..<batches { _ = try await log.append([(firstLog, try batch(tag, bytes: 200))]) }
        await log.close()
        let path = try #require(disk.files.keys.first { $0.hasSuffix(".segment") })
        return (try #require(disk.files[path]), disk, path)
    }

    @Test("a segment cut at any byte of 64 KB keeps exactly the batches that end at or before the cut")
    func tornSegmentAtEveryByte() async throws {
        let (bytes, _, _) = try await segment(batches: 210)
        #expect(bytes.count > 64 << 10)
        let ends = frameEnds(bytes)
        #expect(ends.count == 210)
        let whole = scan(bytes[...])
        #expect(whole.state.endOffset == 210 && whole.tailBytes == bytes.count - ends[209])
        var kept = 0
        for cut in SegmentHeader.size...bytes.count {
            while kept < ends.count, ends[kept] <= cut { kept += 1 }
            // Only the frame at the cut can differ from one cut to the next, so the scan begins a few frames before it.
            if cut % 41 == 0 || ends.contains(cut) {
                let scan = scan(bytes[..<cut])
                #expect(scan.state.endOffset == Int64(kept) && scan.gaps.isEmpty)
                #expect(scan.state.framesEnd == UInt64(kept == 0 ? SegmentHeader.size : ends[kept - 1]))
            }
            let from = kept < 2 ? SegmentHeader.size : ends[kept - 2]
            let tail = Array(bytes[..<SegmentHeader.size]) + bytes[from..<cut]
            #expect(self.scan(tail[...]).state.endOffset == Int64(kept))
        }
    }

    private func scan(_ bytes: ArraySlice<UInt8>) -> SegmentScan {
        Array(bytes).withUnsafeBytes { bytes in
            guard let header = SegmentHeader(bytes) else { fatalError("the header is whole") }
            return SegmentScan(bytes, header: header, start: .max, end: .max, indexInterval: 4_096)
        }
    }

    private func frameEnds(_ bytes: [UInt8]) -> [Int] {
        bytes.withUnsafeBytes { bytes in
            var ends: [Int] = []
            var place = SegmentHeader.size
            while let header = SegmentFrameHeader(bytes, at: place) {
                place += header.length
                ends.append(place)
            }
            return ends
        }
    }

    @Test("a bit flipped anywhere in a segment is found, harms one batch, and the rest is served")
    func flipsInSegment() async throws {
        let (bytes, disk, path) = try await segment(batches: 40)
        let ends = frameEnds(bytes)
        for index in stride(from: SegmentHeader.size, to: try #require(ends.last), by: 97) {
            var flipped = bytes
            flipped[index] ^= 1 << UInt8(index % 8)
            let victim = Int64(ends.firstIndex { $0 > index } ?? 0)
            let copy = disk.copy()
            copy.set(path, to: flipped)
            let (log, report) = try await open(copy)
            let (batches, damaged) = try await readAll(log, firstLog)
            #expect(damaged == [victim...victim], "byte \(index)")
            // Start-up reads the trailer only; the reader finds it, and `corruptBatches` tells.
            #expect(report.damages.isEmpty && log.statistics().corruptBatches == 1, "byte \(index)")
            #expect(batches.map(\.baseOffset) == (0..<40).filter { $0 != victim })
            let appended = try await log.append([(firstLog, try batch(1))])
            #expect(appended[0].baseOffset == 40)
            await log.close()
            let (again, _) = try await open(copy)
            #expect(try await readAll(again, firstLog).damaged == [victim...victim])
            #expect(try again.bounds(firstLog) == (0, 41))
            await again.close()
        }
    }

    @Test("a bit flipped in a sealed segment, its index or its trailer never yields a wrong record")
    func flipsInSealedSegments() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small)
        var expected: [RecordBatch] = []
        for tag in 0..<100 {
            expected.append(try batch(tag, bytes: 100))
            _ = try await log.append([(firstLog, expected[tag])])
        }
        await log.close()
        let path = try #require(disk.files.keys.filter { $0.hasSuffix(".segment") }.sorted().dropFirst().first)
        let bytes = try #require(disk.files[path])
        for index in stride(from: 0, to: bytes.count, by: 13) {
            var flipped = bytes
            flipped[index] ^= 1 << UInt8(index % 8)
            let copy = disk.copy()
            copy.set(path, to: flipped)
            let (log, _) = try await open(copy, .small)
            let (batches, damaged) = try await readAll(log, firstLog)
            let lost = damaged.reduce(0) { $0 + $1.count }
            #expect(batches.count + lost == 100)
            #expect(index < SegmentHeader.size || lost <= 1, "byte \(index): \(damaged)")
            for batch in batches { #expect(plain(batch.batch) == expected[Int(batch.baseOffset)]) }
            await log.close()
        }
    }

    @Test("any file deleted, emptied or cut in half is reported by range or harmless, and all other logs serve")
    func missingFiles() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small)
        for tag in 0..<80 {
            _ = try await log.append([(firstLog, try batch(tag, bytes: 100)), (secondLog, try batch(tag, bytes: 50))])
        }
        await log.close()
        for (path, bytes) in disk.files {
            for change in [nil, [], Array(bytes[..<(bytes.count / 2)])] as [[UInt8]?] {
                let copy = disk.copy()
                copy.set(path, to: change)
                let (log, report) = try await open(copy, .small)
                for id in [firstLog, secondLog] {
                    let (batches, damaged) = try await readAll(log, id)
                    let isHit = path.hasPrefix("logs/1/\(id.shard)/")
                    if isHit {
                        #expect(Set(batches.map(\.baseOffset)).isDisjoint(with: damaged.flatMap { Array($0) }))
                        if !path.hasSuffix("start") {
                            #expect(batches.count + damaged.reduce(0) { $0 + $1.count } == 80, "\(path) \(report)")
                            #expect(!report.damages.isEmpty || !report.notes.isEmpty, "\(path)")
                        }
                    } else {
                        #expect(batches.count == 80 && damaged.isEmpty, "\(path) \(report)")
                    }
                }
                await log.close()
            }
        }
    }

    @Test("two swapped segments are noticed and put into quarantine")
    func swappedSegments() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small)
        for tag in 0..<80 { _ = try await log.append([(firstLog, try batch(tag, bytes: 100))]) }
        await log.close()
        let paths = disk.files.keys.filter { $0.hasSuffix(".segment") }.sorted()
        let (one, two) = (disk.files[paths[0]], disk.files[paths[1]])
        disk.set(paths[0], to: two)
        disk.set(paths[1], to: one)
        let (again, report) = try await open(disk, .small)
        #expect(report.quarantined.sorted() == Array(paths[0...1]))
        #expect(report.damages.count == 1)
        #expect(disk.files.keys.filter { $0.hasPrefix("quarantine/") }.count == 2)
        let (batches, damaged) = try await readAll(again, firstLog)
        #expect(batches.count + damaged.reduce(0) { $0 + $1.count } == 80)
        await again.close()
    }

    @Test("directories and files that nobody knows are moved to quarantine, never deleted")
    func unknown() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small, known: [firstLog, secondLog, thirdLog])
        for tag in 0..<40 { _ = try await log.append([(thirdLog, try batch(tag, bytes: 100))]) }
        await log.close()
        disk.set("logs/notes.txt", to: [1])
        disk.set("logs/1/0/notes.txt", to: [2])
        disk.set("journal/notes.txt", to: [3])
        disk.set("logs/01/0/x", to: [4])
        let segments = disk.files.filter { $0.key.hasPrefix("logs/2/") }.values.map { $0 }
        let (again, report) = try await open(disk, .small, removed: [])
        #expect(report.unknownLogs == [thirdLog])
        #expect(report.quarantined.count == 5)
        let kept = disk.files.filter { $0.key.hasPrefix("quarantine/") }.values
        for content in segments + [[1], [2], [3], [4]] { #expect(kept.contains(content)) }
        await again.close()
        let (third, second) = try await open(disk, .small, removed: [])
        #expect(second.quarantined.isEmpty && second.unknownLogs.isEmpty)
        await third.close()
    }

    @Test("damage in the middle of the journal is reported with its range, read as damaged, and kept in quarantine")
    func damagedJournal() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk)
        for tag in 0..<30 { _ = try await log.append([(firstLog, try batch(tag, bytes: 100)), (secondLog, try batch(tag))]) }
        let crashed = disk.crash(keeping: .everything)
        await log.close()
        let path = try #require(crashed.files.keys.first { $0.hasPrefix("journal/") })
        var bytes = try #require(crashed.files[path])
        let tag = Array("17.0.".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: tag) })
        bytes[place] ^= 4
        crashed.set(path, to: bytes)
        // The damage survives two more starts, the first of which is broken off.
        let (second, report) = try await open(crashed)
        #expect(report.damages == [.init(log: firstLog, from: 17, through: 17), .init(log: secondLog, from: 17, through: 17)])
        let afterCrash = crashed.crash(keeping: .nothing)
        await second.close()
        for _ in 0..<2 {
            let (log, _) = try await open(afterCrash)
            for id in [firstLog, secondLog] {
                let (batches, damaged) = try await readAll(log, id)
                #expect(damaged == [17...17])
                #expect(batches.count == 29)
            }
            await log.close()
        }
        #expect(afterCrash.files.contains { $0.key.hasPrefix("quarantine/") && $0.value == bytes })
    }
}
