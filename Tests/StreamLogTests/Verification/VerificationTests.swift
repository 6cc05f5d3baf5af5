/// Verification: an undamaged store gives no finding, whatever it is doing; damage of every kind in every file is found and named.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

/// What a verification of a disk tells.
func verify<D: Disk>(
    _ disk: D, known: Set<LogID>? = [firstLog, secondLog], removed: Set<LogID> = [], windowBytes: Int = 8_192
) throws -> (findings: [VerificationFinding], summary: VerificationSummary) {
    var findings: [VerificationFinding] = []
    let verification = LogVerification(disk: disk, windowBytes: windowBytes, finding: { findings.append($0) })
    try verification.survey()
    let summary = try verification.run(known: known, removed: removed)
    #expect(summary.damages == findings.count { $0.severity == .damage })
    return (findings, summary)
}

@Suite struct VerificationTests {
    /// A store with some segments, closed.
    private func closedStore(batches: Int = 60, trimmedTo trim: Int64? = nil) async throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small)
        for tag in 0..<batches {
            _ = try await log.append([(firstLog, try batch(tag, records: 2, bytes: 100)), (secondLog, try batch(tag, bytes: 150))])
        }
        if let trim { try await log.trim(firstLog, before: trim) }
        await log.close()
        return disk.copy()
    }

    /// A store whose process died: some segments, the rest in the journal.
    private func killedStore(batches: Int = 60, _ options: LogOptions = .small) async throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, options)
        for tag in 0..<batches {
            _ = try await log.append([(firstLog, try batch(tag, records: 2, bytes: 100)), (secondLog, try batch(tag, bytes: 150))])
        }
        let copy = disk.copy()
        await log.close()
        return copy
    }

    private func damages(_ findings: [VerificationFinding]) -> [VerificationFinding] { findings.filter { $0.severity == .damage } }

    private func flip(_ disk: SimulatedDisk, _ path: String, _ place: Int, bit: Int) throws {
        var bytes = try #require(disk.files[path])
        bytes[place] ^= 1 << UInt8(bit)
        disk.set(path, to: bytes)
    }

    // MARK: Undamaged

    @Test("an undamaged store gives no finding, closed or killed, trimmed or not, through windows of any size")
    func undamaged() async throws {
        for disk in [
            SimulatedDisk(), try await closedStore(batches: 1), try await closedStore(), try await closedStore(trimmedTo: 77),
            try await closedStore(trimmedTo: 120), try await killedStore(), try await killedStore(.journalOnly),
        ] {
            for window in [512, 4_096, 1 << 20] {
                let (findings, summary) = try verify(disk, windowBytes: window)
                #expect(findings.isEmpty, "\(findings)")
                #expect(summary.corruptBatches == 0)
            }
        }
        let summary = try verify(try await closedStore()).summary
        #expect(summary.batches == 120 && summary.files > 5)
    }

    @Test("a verification changes nothing")
    func changesNothing() async throws {
        let disk = try await killedStore()
        let before = disk.files
        _ = try verify(disk)
        #expect(disk.files == before)
        #expect([DiskOperation.write, .sync, .rename, .remove, .truncate, .createDirectory].allSatisfy { disk.count($0) == 0 })
    }

    @Test("what a power cut leaves is no damage")
    func powerCuts() async throws {
        for seed in seeds(150) {
            let disk = SimulatedDisk()
            let (log, _) = try await open(disk, .small)
            var random = SeededGenerator(seed: seed)
            for tag in 0..<Int.random(in: 5...60, using: &random) {
                _ = try await log.append([(Bool.random(using: &random) ? firstLog : secondLog, try batch(tag, bytes: 200))])
                if Int.random(in: 0..<20, using: &random) == 0 {
                    try await log.trim(firstLog, before: try log.bounds(firstLog).highWatermark)
                }
            }
            let next = disk.crash(keeping: .some(seed: seed))
            await log.close()
            let findings = damages(try verify(next).findings)
            #expect(findings.isEmpty, "seed \(seed): \(findings)")
        }
    }

    // MARK: Damage

    @Test("every byte of a closed store's segments, flipped, is found, and a batch's damage is named with its offsets")
    func flipsInSegments() async throws {
        let disk = try await closedStore()
        let paths = disk.files.keys.filter { $0.hasSuffix(".segment") }.sorted()
        for path in paths {
            let bytes = try #require(disk.files[path])
            let places = try frames(bytes)
            for place in stride(from: 0, to: bytes.count, by: path == paths[1] ? 1 : 13) {
                try flip(disk, path, place, bit: place % 8)
                let (findings, summary) = try verify(disk)
                let found = damages(findings)
                #expect(found.contains { $0.file == path }, "byte \(place) of \(path): \(findings)")
                #expect(found.allSatisfy { $0.file == path }, "byte \(place) of \(path): \(findings)")
                if let frame = places.first(where: { $0.bytes.contains(place) }) {
                    #expect(found.compactMap(\.offsets).first == frame.offsets, "byte \(place) of \(path): \(findings)")
                    #expect(found.contains { $0.kind == .batch } && summary.corruptBatches == 1)
                } else {
                    #expect(summary.corruptBatches == 0)
                }
                disk.set(path, to: bytes)
            }
        }
    }

    /// Where the frames of a segment lie.
    private func frames(_ bytes: [UInt8]) throws -> [(bytes: Range<Int>, offsets: Range<Int64>)] {
        bytes.withUnsafeBytes { bytes in
            var found: [(bytes: Range<Int>, offsets: Range<Int64>)] = []
            var place = SegmentHeader.size
            while let header = SegmentFrameHeader(bytes, at: place) {
                found.append((place..<place + header.length, header.baseOffset..<header.endOffset))
                place += header.length
            }
            return found
        }
    }

    @Test("every segment cut off anywhere, deleted, or swapped with another is found")
    func truncatedSegments() async throws {
        let disk = try await closedStore()
        let paths = disk.files.keys.filter { $0.hasSuffix(".segment") }.sorted()
        for (index, path) in paths.enumerated() {
            let bytes = try #require(disk.files[path])
            let places = try frames(bytes)
            for length in stride(from: 0, to: bytes.count, by: 17) {
                disk.set(path, to: Array(bytes[..<length]))
                let found = damages(try verify(disk).findings)
                let lost = places.filter { $0.bytes.upperBound > length }
                #expect(found.contains { $0.file == path }, "\(path) cut at \(length): \(found)")
                if let first = lost.first?.offsets.lowerBound, let last = lost.last?.offsets.upperBound,
                    length >= SegmentHeader.size
                {
                    #expect(
                        found.contains { $0.kind == .missing && $0.offsets == first..<last }, "\(path) cut at \(length): \(found)")
                }
            }
            disk.set(path, to: nil)
            let range = try #require(places.first).offsets.lowerBound..<(try #require(places.last).offsets.upperBound)
            #expect(damages(try verify(disk).findings).map(\.offsets) == [range])
            let other = paths[(index + 1) % paths.count]
            let otherBytes = try #require(disk.files[other])
            disk.set(path, to: otherBytes)
            disk.set(other, to: bytes)
            let files = Set(damages(try verify(disk).findings).map(\.file))
            #expect(files.isSuperset(of: [path, other]))
            disk.set(path, to: bytes)
            disk.set(other, to: otherBytes)
        }
        #expect(try verify(disk).findings.isEmpty)
    }

    @Test("every byte of the journal of a killed store, flipped, is found with its frame, but for the last frame and padding")
    func flipsInJournal() async throws {
        let disk = try await killedStore(batches: 12, .journalOnly)
        let path = try #require(disk.files.keys.first { $0.hasSuffix(".journal") })
        let bytes = try #require(disk.files[path])
        let headers = bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4_096).compactMap { place in JournalHeader(bytes, at: place).map { (place, $0) } }
        }
        #expect(headers.count > 10)
        for (place, header) in headers.dropLast() {
            for byte in place..<place + header.length where byte % 3 == 0 || header.sequence == 3 {
                try flip(disk, path, byte, bit: byte % 8)
                let (findings, summary) = try verify(disk)
                let found = damages(findings)
                #expect(found.contains { $0.frames?.contains(header.sequence) ?? false }, "byte \(byte): \(findings)")
                let isInBatch = byte >= place + JournalHeader.size + header.directoryBytes
                #expect((summary.corruptBatches > 0) == isInBatch, "byte \(byte): \(findings)")
                if isInBatch {
                    #expect(
                        found.allSatisfy {
                            $0.kind == .batch && $0.offsets != nil && $0.frames == header.sequence...header.sequence
                        })
                }
                disk.set(path, to: bytes)
            }
        }
        // The last frame cannot be told from a write that was cut short; it is named as that.
        let last = try #require(headers.last)
        try flip(disk, path, last.0 + 300, bit: 1)
        let findings = try verify(disk).findings
        #expect(damages(findings).isEmpty && findings.contains { $0.kind == .structure && $0.file == path })
    }

    @Test("a missing journal, one that cannot be read, and a file of it that is missing are found")
    func missingJournals() async throws {
        let closed = try await closedStore()
        let only = try #require(closed.files.keys.first { $0.hasSuffix(".journal") })
        let bytes = try #require(closed.files[only])
        for content in [nil, [], [UInt8](repeating: 0, count: bytes.count), [UInt8](bytes.reversed())] {
            closed.set(only, to: content)
            let found = damages(try verify(closed).findings)
            #expect(found.contains { $0.file.hasPrefix("journal") }, "\(found)")
        }
        var options = LogOptions.journalOnly
        options.journalFileBytes = 20_000
        let killed = try await killedStore(batches: 20, options)
        let journals = killed.files.keys.filter { $0.hasSuffix(".journal") }.sorted()
        #expect(journals.count > 3, "\(journals)")
        for path in journals.dropLast() {
            let bytes = try #require(killed.files[path])
            killed.set(path, to: nil)
            #expect(damages(try verify(killed).findings).contains { $0.kind == .missing || $0.kind == .batch }, "\(path)")
            killed.set(path, to: bytes)
        }
    }

    @Test("damage of the start offset is found: one slot is worth a notice, both are damage")
    func startOffset() async throws {
        let disk = try await closedStore(trimmedTo: 50)
        let path = "logs/1/0/start"
        let bytes = try #require(disk.files[path])
        for slot in [0, 4_096] {
            for place in slot..<slot + 28 {
                try flip(disk, path, place, bit: place % 8)
                #expect(try verify(disk).findings.contains { $0.file == path }, "byte \(place)")
                disk.set(path, to: bytes)
            }
        }
        try flip(disk, path, 0, bit: 0)
        try flip(disk, path, 4_096, bit: 0)
        #expect(damages(try verify(disk).findings).contains { $0.file == path })
        disk.set(path, to: nil)
        #expect(damages(try verify(disk).findings).contains { $0.file == path })
    }

    @Test("files that are not ours, unknown logs and what was set aside are listed")
    func unknown() async throws {
        let disk = try await closedStore()
        for path in ["journal/notes", "logs/readme", "logs/1/x", "logs/1/0/0.segment"] { disk.set(path, to: [1]) }
        disk.set("quarantine/journal-00000000000000000001.journal", to: [1])
        let (findings, summary) = try verify(disk)
        #expect(damages(findings).isEmpty && summary.notices == 5)
        #expect(
            Set(findings.map(\.file)) == [
                "journal/notes", "logs/readme", "logs/1/x", "logs/1/0/0.segment", "quarantine/journal-00000000000000000001.journal",
            ])
        let strange = damages(try verify(disk, known: [firstLog]).findings)
        #expect(strange.map(\.log) == [secondLog] && strange.map(\.kind) == [.unknown])
        #expect(damages(try verify(disk, known: [firstLog], removed: [secondLog]).findings).isEmpty)
        #expect(damages(try verify(disk, known: nil).findings).isEmpty)
    }

    @Test("records that recovery reported as lost are a notice afterwards")
    func holes() async throws {
        let disk = try await killedStore(batches: 12, .journalOnly)
        let path = try #require(disk.files.keys.first { $0.hasSuffix(".journal") })
        try flip(disk, path, 4_096 * 4 + 300, bit: 3)
        #expect(!damages(try verify(disk).findings).isEmpty)
        let (log, report) = try await open(disk, .journalOnly)
        #expect(!report.damages.isEmpty)
        await log.close()
        let (findings, _) = try verify(disk)
        #expect(damages(findings).isEmpty, "\(findings)")
        #expect(findings.contains { $0.kind == .hole } && findings.contains { $0.kind == .quarantine })
    }

    // MARK: Beside a server

    @Test("a store that is written, flushed, trimmed and recycled between any two reads of the verification gives no finding")
    func live() throws {
        for seed in seeds(60) {
            let disk = SimulatedDisk()
            var options = LogOptions.small
            options.journalFileBytes = 20_000
            options.prewriteAfterBytes = 1
            let (log, _) = try SimulatedLog.openStepped(
                disk: disk, time: SimulatedTime(), options: options, knownLogs: [firstLog, secondLog], removedLogs: [])
            let server = BusyServer(log, seed: seed)
            for _ in 0..<80 { server.act() }
            let (findings, summary) = try verify(HookedDisk(disk) { server.act() }, windowBytes: 1_024)
            #expect(findings.isEmpty, "seed \(seed): \(findings)")
            #expect(summary.batches > 0)
        }
    }

    @Test("damage is found beside a busy server too")
    func damageWhileLive() throws {
        for seed in seeds(30) {
            let disk = SimulatedDisk()
            let (log, _) = try SimulatedLog.openStepped(
                disk: disk, time: SimulatedTime(), options: .small, knownLogs: [firstLog, secondLog], removedLogs: [])
            let server = BusyServer(log, seed: seed, trims: false)
            for _ in 0..<300 { server.act() }
            let path = try #require(disk.files.keys.filter { $0.hasSuffix(".segment") }.sorted().first)
            try flip(disk, path, 200, bit: 2)
            let found = damages(try verify(HookedDisk(disk) { server.act() }, windowBytes: 1_024).findings)
            #expect(found.map(\.file) == [path], "seed \(seed): \(found)")
        }
    }
}

/// A log without threads that does one thing at a time, as a seed decides.
final class BusyServer: @unchecked Sendable {
    private let log: SimulatedLog
    private var random: SeededGenerator
    private var tag = 0
    private let trims: Bool

    init(_ log: SimulatedLog, seed: UInt64, trims: Bool = true) {
        self.log = log
        random = SeededGenerator(seed: seed)
        self.trims = trims
    }

    func act() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
            tag += 1
            guard let batch = try? batch(tag, bytes: Int.random(in: 20...400, using: &random)) else { return }
            log.submit(LogAppend([(Bool.random(using: &random) ? firstLog : secondLog, batch)]), at: nil) { _ in }
        case 4..<7: _ = log.stepJournal()
        case 7, 8: _ = log.stepSegments()
        default:
            guard trims, let bounds = try? log.bounds(firstLog), Int.random(in: 0..<4, using: &random) == 0 else { return }
            log.submitTrim(firstLog, before: Int64.random(in: bounds.startOffset...bounds.highWatermark, using: &random)) { _ in }
        }
    }
}

/// A disk that lets something else happen before each of its operations.
struct HookedDisk: Disk {
    let base: SimulatedDisk
    let hook: @Sendable () -> Void

    init(_ base: SimulatedDisk, _ hook: @escaping @Sendable () -> Void) {
        self.base = base
        self.hook = hook
    }

    func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> HookedFile {
        hook()
        return HookedFile(base: try base.open(path, mode, access), hook: hook)
    }
    func list(_ directory: String) throws(DiskError) -> [String] {
        hook()
        return try base.list(directory)
    }
    func createDirectory(_ path: String) throws(DiskError) { try base.createDirectory(path) }
    func rename(_ source: String, to destination: String) throws(DiskError) { try base.rename(source, to: destination) }
    func remove(_ path: String) throws(DiskError) { try base.remove(path) }
    func syncDirectory(_ path: String) throws(DiskError) { try base.syncDirectory(path) }
    func freeBytes() throws(DiskError) -> UInt64 { try base.freeBytes() }
}

final class HookedFile: DiskFile {
    private let base: SimulatedFile
    private let hook: @Sendable () -> Void

    init(base: SimulatedFile, hook: @escaping @Sendable () -> Void) {
        self.base = base
        self.hook = hook
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError) -> Int {
        // As the system does, a page at a time, with others writing in between.
        var done = 0
        while done < buffer.count {
            hook()
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<min(buffer.count, done + 4_096)])
            let count = try base.read(into: part, at: offset + UInt64(done))
            done += count
            if count < part.count { break }
        }
        return done
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) { try base.write(bytes, at: offset) }
    func startWriteback() {}
    func sync() throws(DiskError) { try base.sync() }
    func size() throws(DiskError) -> UInt64 {
        hook()
        return try base.size()
    }
    func truncate(to size: UInt64) throws(DiskError) { try base.truncate(to: size) }
    func close() { base.close() }
}
