/// Scans the journal and all segments of a data directory, changing nothing, also while a server writes to it.

public import Host

/// How far a verification has come.
public struct VerificationProgress: Sendable, Hashable {
    public var bytes: UInt64 = 0
    public var totalBytes: UInt64 = 0
}

/// One scan of the log's files. All calls block; it is used once, from one thread.
///
/// It takes no lock. What a running server may be writing is no finding: the newest files are read again, with a new reading of the journal,
/// until two readings in a row find the same.
public final class LogVerification<D: Disk> {
    let disk: D
    let windowBytes: Int
    private let progress: (VerificationProgress) -> Void
    private let finding: (VerificationFinding) -> Void

    /// The logs that have a directory.
    private var directories: Set<LogID> = []
    private var done = VerificationProgress()
    private var summary = VerificationSummary()
    private(set) var journal = JournalVerification()
    /// Set by `survey`: something has a version that this build does not know, so nothing can be judged.
    public private(set) var unknownFormat: UnknownFormat?
    /// How often the journal may be read again: a store full of damage must not cost a reading for each of its logs.
    private var rereadingsLeft = 20

    /// - Parameters:
    ///   - windowBytes: how much of a segment is in memory at a time, unless a single batch is larger. The journal is in memory as a whole
    ///     while it is judged, as it is at a start.
    ///   - progress: is told how far the scan has come, for each window.
    ///   - finding: is told each finding once it is certain.
    public init(
        disk: D, windowBytes: Int = 4 << 20, progress: @escaping (VerificationProgress) -> Void = { _ in },
        finding: @escaping (VerificationFinding) -> Void
    ) {
        self.disk = disk
        self.windowBytes = windowBytes
        self.progress = progress
        self.finding = finding
    }

    /// Lists the directories of logs and reads the journal. The catalog is to be read after this: then it knows all logs that are found here.
    /// - Throws: when a directory cannot be read.
    public func survey() throws(DiskError) {
        for streamName in try entries(of: Paths.logs) {
            guard let stream = Paths.directoryNumber(streamName, as: UInt64.self) else {
                tellUnknown("\(Paths.logs)/\(streamName)")
                continue
            }
            for name in try entries(of: "\(Paths.logs)/\(stream)") {
                guard let shard = Paths.directoryNumber(name, as: UInt32.self) else {
                    tellUnknown("\(Paths.logs)/\(stream)/\(name)")
                    continue
                }
                directories.insert(LogID(stream: stream, shard: shard))
            }
        }
        for name in try entries(of: Paths.quarantine) {
            tell(
                VerificationFinding(
                    .notice, .quarantine, file: "\(Paths.quarantine)/\(name)",
                    "a start set it aside, for it was damaged or not ours"))
        }
        done.totalBytes = try totalBytes()
        try readJournal()
    }

    /// Scans all segments and judges them with the journal.
    /// - Parameters:
    ///   - known: the logs of the catalog; nil when it cannot be read: then all are taken for known.
    ///   - removed: logs that were removed; what is left of them is not looked at.
    /// - Throws: when a directory cannot be read. A file that cannot is a finding.
    public func run(known: Set<LogID>?, removed: Set<LogID>) throws(DiskError) -> VerificationSummary {
        summary.files += journal.files
        summary.bytes += journal.bytes
        summary.batches += journal.batches
        for id in directories.union(journal.logs.keys).sorted() where !removed.contains(id) && !journal.removed.contains(id) {
            if known?.contains(id) ?? true {
                try verify(id)
            } else {
                try tellUnknown(id)
            }
        }
        done.bytes = done.totalBytes
        progress(done)
        return summary
    }

    // MARK: Journal

    /// Reads the journal; when something is wrong with it, until two readings in a row agree about it.
    private func readJournal() throws(DiskError) {
        journal = try JournalVerification(disk) { bytes in advance(by: bytes) }
        unknownFormat = journal.unknownFormat
        if unknownFormat == nil, !directories.isEmpty { unknownFormat = try FormatSurvey(disk: disk).unknownFormat() }
        if unknownFormat != nil { return }
        var certain = Set(journal.findings)
        while !certain.isEmpty, try rereadJournal() {
            let again = Set(journal.findings)
            if again == certain { break }
            certain = again
        }
        journal.findings.filter(certain.contains).forEach(tell)
        if !directories.isEmpty, journal.files == 0 {
            tell(
                VerificationFinding(
                    .damage, .missing, file: Paths.journal, "there are logs, but no journal: the newest records may be missing"))
        }
        if let unreadable = journal.unreadable {
            // A process that was killed as it made its first file leaves one without a frame, and nothing else.
            tell(
                VerificationFinding(
                    directories.isEmpty ? .notice : .damage, .structure, file: unreadable, "no frame of it can be read"))
        }
    }

    /// - Returns: false when it was read often enough.
    private func rereadJournal() throws(DiskError) -> Bool {
        guard rereadingsLeft > 0 else { return false }
        rereadingsLeft -= 1
        journal = try JournalVerification(disk) { _ in }
        return true
    }

    // MARK: Logs

    private func verify(_ id: LogID) throws(DiskError) {
        var scan = ShardVerification(id: id)
        var result = try scan.read(self)
        while result.dependsOnWhatIsWritten, try rereadJournal() {
            let again = try scan.read(self)
            let agree = again.findings == result.findings
            result = again
            if agree { break }
        }
        summary.files += result.files
        summary.bytes += result.bytes
        summary.batches += result.batches
        summary.corruptBatches += result.corruptBatches
        result.findings.forEach(tell)
    }

    private func tellUnknown(_ id: LogID) throws(DiskError) {
        let path = Paths.directory(id)
        let isThere = try !entries(of: path).isEmpty
        let isInJournal = { self.journal.logs[id]?.held.ranges.isEmpty == false }
        guard isThere || isInJournal() else { return }
        // Its stream may just have been removed; the journal tells as long as it holds anything of it.
        if try rereadJournal(), journal.removed.contains(id) || !isThere && !isInJournal() { return }
        tell(
            VerificationFinding(
                .damage, .unknown, file: isThere ? path : Paths.journal,
                "it holds records of a log that the catalog does not know: the catalog is damaged, or older than they are", log: id,
                offsets: journal.logs[id].flatMap { log in
                    log.held.ranges.first.map { $0.lowerBound..<log.highWatermark }
                }))
    }

    func tellUnknown(_ path: String) {
        tell(VerificationFinding(.notice, .unknown, file: path, "it is no file of ours; the next start sets it aside"))
    }

    private func tell(_ found: VerificationFinding) {
        summary.count(found)
        finding(found)
    }

    // MARK: Progress

    /// Further bytes were read.
    func advance(by bytes: UInt64) {
        // Files that grew, or are read twice, must not lead past the end.
        done.bytes = min(done.bytes + bytes, done.totalBytes)
        progress(done)
    }

    private func totalBytes() throws(DiskError) -> UInt64 {
        var total: UInt64 = 0
        for name in try entries(of: Paths.journal) where Paths.journalNumber(name) != nil {
            total += size("\(Paths.journal)/\(name)")
        }
        for id in directories {
            for name in try entries(of: Paths.directory(id)) where Paths.segmentBase(name) != nil {
                total += size("\(Paths.directory(id))/\(name)")
            }
        }
        return total
    }

    /// 0 for what has gone or cannot be opened: reading it will tell.
    private func size(_ path: String) -> UInt64 {
        guard let file = try? disk.open(path, .existing) else { return 0 }
        defer { file.close() }
        return (try? file.size()) ?? 0
    }

    /// The names in a directory; none when it is not there.
    func entries(of directory: String) throws(DiskError) -> [String] {
        do throws(DiskError) {
            return try disk.list(directory)
        } catch {
            if error.kind == .notFound { return [] }
            throw error
        }
    }
}
