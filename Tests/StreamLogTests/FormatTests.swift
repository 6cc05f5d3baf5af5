/// Files of versions that this build does not know: refused by name, before anything is changed, and told from damage.

import Codecs
import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

@Suite struct FormatTests {
    /// A directory with a segment, a start offset, and frames in the journal.
    private func world() async throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        var options = LogOptions()
        options.flushThresholdBytes = 1
        options.spareJournalFiles = 0
        let log = try StreamLog.openStepped(
            disk: disk, time: SystemTime(), options: options, knownLogs: [firstLog], removedLogs: []
        ).log
        for number in 0..<6 {
            _ = try await log.append([(log: firstLog, batch: try batch(number))])
            if number == 3 { while log.stepSegments() {} }
        }
        try await log.trim(firstLog, before: 2)
        return disk.crash(keeping: .everything)
    }

    private func reopen(_ disk: SimulatedDisk) async throws {
        let opened = try StreamLog.openStepped(
            disk: disk, time: SystemTime(), options: LogOptions(), knownLogs: [firstLog], removedLogs: [])
        await opened.log.close()
    }

    /// Changes bytes of a file and puts the checksum of `0..<covered` at `place`, continuing `seed`.
    private func rewrite(
        _ disk: SimulatedDisk, _ path: String, at: Int = 0, covered: Int, seed: UInt32 = 0, checksumAt place: Int,
        _ change: (inout [UInt8]) -> Void
    ) {
        disk.damage(path) { bytes in
            var part = Array(bytes[at...])
            change(&part)
            let sum = part.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<covered]), continuing: seed) }
            withUnsafeBytes(of: sum.littleEndian) { part.replaceSubrange(place..<place + 4, with: $0) }
            bytes.replaceSubrange(at..., with: part)
        }
    }

    /// Opens and expects a refusal that names the file and the version, and a directory as it was.
    private func expectRefusal(_ disk: SimulatedDisk, _ unknown: UnknownFormat) async throws {
        let before = disk.files
        await #expect(throws: LogError.unknownFormat(unknown)) { try await self.reopen(disk) }
        #expect(disk.files == before)
        #expect(
            "\(unknown)".contains(unknown.subject) && "\(unknown)".contains(unknown.found) && "\(unknown)".contains(unknown.known))
        let verification = LogVerification(disk: disk) { Issue.record("\($0)") }
        try verification.survey()
        #expect(verification.unknownFormat == unknown)
    }

    @Test("a journal file of another version")
    func journal() async throws {
        let disk = try await world()
        let path = try #require(disk.files.keys.filter { $0.hasSuffix(".journal") }.max())
        rewrite(disk, path, covered: 52, checksumAt: 52) { $0[3] = UInt8(ascii: "3") }
        try await expectRefusal(disk, UnknownFormat(path, found: "MRJ3", known: "MRJ2"))
    }

    @Test("a flipped bit in the version of a frame is damage, as anywhere else")
    func flippedVersion() async throws {
        let disk = try await world()
        let path = try #require(disk.files.keys.filter { $0.hasSuffix(".journal") }.max())
        disk.damage(path) { $0[3] ^= 1 }
        try await reopen(disk)
    }

    @Test("a segment of another version")
    func segment() async throws {
        let disk = try await world()
        let path = try #require(disk.files.keys.filter { $0.hasSuffix(".segment") }.min())
        rewrite(disk, path, covered: 36, checksumAt: 36) { $0[7] = UInt8(ascii: "2") }
        try await expectRefusal(disk, UnknownFormat(path, found: "MRSEG002", known: "MRSEG001"))
    }

    @Test("a start offset of another version, in either slot", arguments: [0, 4_096])
    func start(slot: Int) async throws {
        let disk = try await world()
        let path = try #require(disk.files.keys.first { $0.hasSuffix("/start") })
        var name: [UInt8] = []
        withUnsafeBytes(of: firstLog.stream.littleEndian) { name += $0 }
        withUnsafeBytes(of: firstLog.shard.littleEndian) { name += $0 }
        let seed = name.withUnsafeBytes { CRC32C.checksum($0) }
        rewrite(disk, path, at: slot, covered: 24, seed: seed, checksumAt: 24) { $0[7] = UInt8(ascii: "3") }
        try await expectRefusal(disk, UnknownFormat(path, found: "MRSTART3", known: "MRSTART2"))
    }

    @Test("a directory entry of a kind that this build does not know")
    func entry() throws {
        var writer = JournalFrameWriter(after: 0, checksum: 0, directory: [])
        writer.beginFile(nonce: 9)
        let one = try batch(0).settingBaseOffset(0)
        let known = JournalEntry(
            kind: .batch, log: firstLog, offset: 0, recordCount: 1, length: UInt32(one.bytes.count), checksum: one.crc)
        writer.make(arrival: 1, entries: [known], batches: [one])
        var bytes = writer.bytes
        bytes[JournalHeader.size] = 200
        // The frame's checksum, over bytes 0 to 35 and the directory; then the header's.
        let end = JournalHeader.size + JournalEntry.size
        let frame = bytes.withUnsafeBytes {
            CRC32C.checksum(
                UnsafeRawBufferPointer(rebasing: $0[JournalHeader.size..<end]),
                continuing: CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<36])))
        }
        withUnsafeBytes(of: frame.littleEndian) { bytes.replaceSubrange(36..<40, with: $0) }
        let header = bytes.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<52])) }
        withUnsafeBytes(of: header.littleEndian) { bytes.replaceSubrange(52..<56, with: $0) }
        let scan = JournalScan([.init(name: 1, bytes: bytes)])
        let unknown = try #require(scan.unknownFormat)
        #expect(unknown.found == "MRJ2 with entries of kind 200" && unknown.subject.contains("frame 1"))
        // The same bytes with a wrong checksum are damage.
        bytes[36] ^= 1
        #expect(JournalScan([.init(name: 1, bytes: bytes)]).unknownFormat == nil)
    }

    @Test("ends, beginnings and the positions of logs that have ended stand in a journal as they always will")
    func succession() throws {
        let id = LogID(stream: 0x0102_0304, shard: 0x0506)
        var writer = JournalFrameWriter(after: 6, checksum: 0, directory: [])
        writer.make(
            arrival: 9,
            entries: [
                JournalEntry(kind: .end, log: id, offset: 0x0A0B, append: 2),
                JournalEntry(kind: .beginning, log: id, offset: 5, append: 2),
                JournalEntry(kind: .endPosition, log: id, offset: 7, length: 0x1111_2222, checksum: 0x0000_018B, append: 0),
            ], batches: [])
        let entries = (0..<3).map { index in
            writer.bytes[(JournalHeader.size + index * JournalEntry.size)...].prefix(JournalEntry.size)
        }
        let name: [UInt8] = [6, 5, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0]
        #expect(Array(entries[0]) == [5, 0, 0, 0] + name + [0x0B, 0x0A, 0, 0, 0, 0, 0, 0] + zeros(12) + [2, 0, 0, 0])
        #expect(Array(entries[1]) == [6, 0, 0, 0] + name + [5, 0, 0, 0, 0, 0, 0, 0] + zeros(12) + [2, 0, 0, 0])
        // The arrival of the end, 0x18B_1111_2222, at 28.
        #expect(
            Array(entries[2])
                == [7, 0, 0, 0] + name + [7, 0, 0, 0, 0, 0, 0, 0] + zeros(4) + [0x22, 0x22, 0x11, 0x11, 0x8B, 0x01, 0, 0] + zeros(4)
        )
        let scan = JournalScan([.init(name: 7, bytes: writer.bytes)])
        #expect(scan.unknownFormat == nil && scan.frames.map(\.entries.count) == [3])
    }

    @Test("no two files of a journal have one nonce, though clocks stand still")
    func nonces() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .smallJournalFiles)
        for tag in 0..<4 { _ = try await log.append([(firstLog, try batch(tag))]) }
        let nonces = disk.files.filter { $0.key.hasSuffix(".journal") }.values.compactMap { bytes in
            bytes.withUnsafeBytes { JournalHeader($0, at: 0)?.nonce }
        }
        #expect(nonces.count >= 4 && Set(nonces).count == nonces.count)
        await log.close()
    }

    private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
