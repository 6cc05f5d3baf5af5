/// Reads the journal as recovery would and names all that is wrong with it.

internal import Host

/// What the journal holds, and what is wrong with it, at one reading.
struct JournalVerification: Sendable {
    /// What it knows of one log.
    struct Log: Sendable {
        /// Offsets of batches that are right.
        var held = OffsetRanges()
        /// Batches that are damaged.
        var bad: [Bad] = []
        /// The least that its high watermark is.
        var highWatermark: Int64 = 0
        /// Its first offset, where the journal tells it.
        var beginning: Int64 = 0
    }

    struct Bad: Hashable, Sendable {
        var offsets: Range<Int64>
        var file: String
        var frame: UInt64
    }

    private(set) var logs: [LogID: Log] = [:]
    /// Logs whose removal it tells of.
    private(set) var removed: Set<LogID> = []
    /// Findings that concern no log, or none that is known.
    private(set) var findings: [VerificationFinding] = []
    /// The newest file when there are files, but not one frame.
    private(set) var unreadable: String?
    /// What is right and not known to this build; then nothing else was judged.
    private(set) var unknownFormat: UnknownFormat?
    private(set) var batches = 0
    private(set) var files = 0
    private(set) var bytes: UInt64 = 0

    /// Nothing was read.
    init() {}

    /// Reads all journal files, the newest first: what a server writes meanwhile comes behind what was read. A file that went while it was
    /// read was recycled, with all that are older; segments hold what they held.
    /// - Parameter progress: is told the length of each file that was read.
    init<D: Disk>(_ disk: D, progress: (UInt64) -> Void) throws(DiskError) {
        var names = try JournalVerification.names(disk)
        for name in names where Paths.journalNumber(name) == nil && Paths.spareNumber(name) == nil {
            findings.append(
                VerificationFinding(
                    .notice, .unknown, file: "\(Paths.journal)/\(name)", "it is no file of ours; the next start sets it aside"))
        }
        var loaded: [JournalScan.File] = []
        for _ in 0..<JournalVerification.mostAttempts {
            loaded = try load(names.compactMap(Paths.journalNumber).sorted(by: >), from: disk, progress)
            names = try JournalVerification.names(disk)
            let left = Set(names.compactMap(Paths.journalNumber))
            if let gone = loaded.lastIndex(where: { !left.contains($0.name) }) { loaded.removeFirst(gone + 1) }
            // There is always a file; when all that were listed have gone, there are newer ones.
            if !loaded.isEmpty || left.isEmpty { break }
        }
        files = loaded.count
        bytes = loaded.reduce(0) { $0 + UInt64($1.bytes.count) }
        judge(loaded)
    }

    private static var mostAttempts: Int { 20 }

    private static func names<D: Disk>(_ disk: D) throws(DiskError) -> [String] {
        do throws(DiskError) {
            return try disk.list(Paths.journal)
        } catch {
            if error.kind == .notFound { return [] }
            throw error
        }
    }

    /// Reads files, given from the newest on; the oldest comes first in the answer. It ends at one that has gone.
    private mutating func load<D: Disk>(
        _ numbers: [UInt64], from disk: D, _ progress: (UInt64) -> Void
    ) throws(DiskError) -> [JournalScan.File] {
        var loaded: [JournalScan.File] = []
        for number in numbers {
            do throws(DiskError) {
                let (file, size) = try JournalFileReader(disk: disk).read(number, isLast: number == numbers.first)
                loaded.append(file)
                progress(size)
            } catch {
                if error.kind == .notFound { break }
                findings.append(
                    VerificationFinding(.damage, .unreadable, file: Paths.journal(number), "it cannot be read: \(error)"))
            }
        }
        return loaded.reversed()
    }

    private mutating func judge(_ files: [JournalScan.File]) {
        let scan = JournalScan(files)
        unknownFormat = scan.unknownFormat
        if unknownFormat != nil { return }
        for lost in scan.lostFrames {
            findings.append(
                VerificationFinding(
                    .damage, .missing, file: Paths.journal, "these frames are lost; what they held, and for which logs, is unknown",
                    frames: lost))
        }
        var frames: [Int: ClosedRange<UInt64>] = [:]
        var withLosses: Set<Int> = []
        for frame in scan.frames {
            let path = Paths.journal(files[frame.file].name)
            frames[frame.file] = min(frames[frame.file]?.lowerBound ?? frame.sequence, frame.sequence)...frame.sequence
            for (index, entry) in frame.entries.enumerated() {
                switch entry.kind {
                case .removal: removed.insert(entry.log)
                case .position, .end, .endPosition: logs[entry.log, default: Log()].raise(entry.offset)
                case .beginning: logs[entry.log, default: Log()].beginning = entry.offset
                // A damaged one is found as its file's damage.
                case .note: break
                case .batch:
                    batches += 1
                    let offsets = entry.offset..<entry.endOffset
                    logs[entry.log, default: Log()].raise(entry.endOffset)
                    if frame.batches[index] != nil {
                        logs[entry.log]?.held.insert(offsets)
                    } else {
                        logs[entry.log]?.bad.append(Bad(offsets: offsets, file: path, frame: frame.sequence))
                        withLosses.insert(frame.file)
                    }
                }
            }
        }
        for file in scan.damagedFiles.sorted() where !withLosses.contains(file) {
            findings.append(
                VerificationFinding(
                    .damage, .structure, file: Paths.journal(files[file].name),
                    "a frame is damaged where it stands twice, so no record is lost", frames: frames[file]))
        }
        if scan.frames.isEmpty, let last = files.last {
            unreadable = Paths.journal(last.name)
        } else if scan.cutBytes > 0, let last = scan.lastFrame {
            findings.append(
                VerificationFinding(
                    .notice, .structure, file: Paths.journal(files[last.file].name),
                    "behind the last whole frame stand \(scan.cutBytes) bytes of one that is not: of a write that was cut short, and never acknowledged",
                    frames: scan.lastSequence...scan.lastSequence))
        }
    }
}

extension JournalVerification.Log {
    fileprivate mutating func raise(_ offset: Int64) { highWatermark = max(highWatermark, offset) }
}
