/// Opens a data directory: reads journal and segments, joins them, and reports what is wrong. It deletes only what was removed or expired.

internal import Host
internal import RecordBatch

/// One recovery. It may be broken off at any point and begun again: what it writes changes nothing that it would read.
struct RecoveryRun<D: Disk> {
    private let disk: D
    private let time: any TimeSource
    private let options: LogOptions
    private let knownLogs: Set<LogID>
    private let removedLogs: Set<LogID>
    private let extents: [LogID: LogExtent]

    private(set) var report = RecoveryReport()
    private var scan = JournalScan([])
    private var files: [JournalScan.File] = []
    /// The bytes of each journal file, the part that holds no frame included.
    private var sizes: [UInt64: UInt64] = [:]
    private var spares: [UInt64] = []
    /// Files in the journal's directory that are none of ours.
    private var unexplained: [String] = []
    /// Logs whose removal the journal tells of.
    private var tombstones: Set<LogID> = []
    /// For each log the first offset that the journal holds.
    private var firstOffsets: [LogID: Int64] = [:]
    /// For each log from where on the journal holds everything, without a gap.
    private var heldFrom: [LogID: Int64] = [:]
    /// And one past the last.
    private var endOffsets: [LogID: Int64] = [:]
    /// For each log its high watermark where the journal last told it apart from batches.
    private var positions: [LogID: Int64] = [:]
    /// For each log that the journal tells the beginning of, its first offset.
    private var beginnings: [LogID: Int64] = [:]
    /// Logs of which the journal has lost something.
    private var incomplete: Set<LogID> = []
    /// What the journal's notes come to.
    private(set) var ledger = CommitLedger()

    init(
        disk: D, time: any TimeSource, options: LogOptions, knownLogs: Set<LogID>, removedLogs: Set<LogID>,
        extents: [LogID: LogExtent]
    ) {
        self.disk = disk
        self.time = time
        self.options = options
        self.knownLogs = knownLogs
        self.removedLogs = removedLogs
        self.extents = extents
    }

    /// - Throws: `.failed` when the disk cannot be read, or what was found cannot be put in order.
    mutating func recover() throws(LogError) -> (NodeState, JournalWriter<D>) {
        do throws(DiskError) {
            for directory in [Paths.journal, Paths.logs, Paths.quarantine] { try disk.createDirectory(directory) }
            // A process that was killed may have left names that can be seen and are not durable; what follows relies on them.
            for directory in ["", Paths.journal, Paths.logs] { try disk.syncDirectory(directory) }
        } catch {
            throw RecoveryRun.failed(error)
        }
        try readJournal()
        if let unknown = try surveyFormats() { throw .unknownFormat(unknown) }
        surveyJournal()
        do throws(DiskError) {
            try reportJournal()
            return try join()
        } catch {
            throw RecoveryRun.failed(error)
        }
    }

    /// Before anything is moved, written or removed.
    private func surveyFormats() throws(LogError) -> UnknownFormat? {
        do throws(DiskError) {
            return try FormatSurvey(disk: disk).unknownFormat()
        } catch {
            throw RecoveryRun.failed(error)
        }
    }

    private static func failed(_ error: DiskError) -> LogError {
        error.kind == .noSpace
            ? .failed("the disk is full, so a new data directory cannot be made (\(error.operation) \(error.path))")
            : .failed("the data directory cannot be opened: \(error)")
    }

    // MARK: Journal

    private mutating func readJournal() throws(LogError) {
        do throws(DiskError) {
            let names = try disk.list(Paths.journal)
            let last = names.last { Paths.journalNumber($0) != nil }
            for name in names {
                if let spare = Paths.spareNumber(name) {
                    spares.append(spare)
                } else if let number = Paths.journalNumber(name), number > 0 {
                    let (file, fileBytes) = try JournalFileReader(disk: disk, judge: options.judge).read(
                        number, isLast: name == last)
                    files.append(file)
                    sizes[number] = fileBytes
                } else {
                    unexplained.append("\(Paths.journal)/\(name)")
                }
            }
        } catch {
            throw RecoveryRun.failed(error)
        }
        files.sort { $0.number < $1.number }
        scan = JournalScan(files, judge: options.judge)
        if let unknown = scan.unknownFormat { throw .unknownFormat(unknown) }
    }

    /// What the journal's reading has to say, once it is known that all of the directory is of formats that this build knows.
    private mutating func reportJournal() throws(DiskError) {
        for path in unexplained { try quarantine(path) }
        for file in files where file.name != file.number {
            report.notes.append("\(Paths.journal(file.name)) begins with frame \(file.number): somebody has moved it")
        }
        report.cutBytes = UInt64(scan.cutBytes)
        report.replayedFrames = scan.frames.count
        for lost in scan.lostFrames {
            report.notes.append(
                "journal frames \(lost.lowerBound) to \(lost.upperBound) are lost; what they held for logs without later records is unknown"
            )
        }
        for file in scan.damagedFiles.sorted() {
            report.notes.append("\(Paths.journal(files[file].name)) is damaged and will be kept in quarantine")
        }
    }

    /// Writes the last frame once more and syncs it. It is the one frame whose sync nothing proves: it may have been read from the
    /// system's cache, after a sync that failed, and a second sync alone would not bring it to the disk (faults.md, rule 2).
    private func secureLastFrame() throws(DiskError) {
        guard let last = scan.lastFrame else { return }
        let file = try disk.open(Paths.journal(files[last.file].name), .existing)
        defer { file.close() }
        try file.write(Array(files[last.file].bytes[last.bytes]), at: UInt64(last.bytes.lowerBound))
        try file.sync()
    }

    private mutating func surveyJournal() {
        if !scan.lostFrames.isEmpty { incomplete.formUnion(knownLogs) }
        for frame in scan.frames {
            for (index, entry) in frame.entries.enumerated() {
                switch entry.kind {
                case .removal: tombstones.insert(entry.log)
                case .batch:
                    if frame.batches[index] == nil { incomplete.insert(entry.log) }
                    if firstOffsets[entry.log] == nil { firstOffsets[entry.log] = entry.offset }
                    // A gap: what is missing was lost with a journal file's end, and segments may have it.
                    if endOffsets[entry.log] != entry.offset { heldFrom[entry.log] = entry.offset }
                    endOffsets[entry.log] = entry.endOffset
                case .note: break
                case .beginning: beginnings[entry.log] = entry.offset
                case .position, .end, .endPosition: positions[entry.log] = entry.offset
                }
            }
        }
    }

    /// The first offset that a log ever had, where its directory does not tell.
    private func firstOffset(_ log: LogID) -> Int64 { extents[log]?.startOffset ?? beginnings[log] ?? 0 }

    // MARK: Joining

    private mutating func join() throws(DiskError) -> (NodeState, JournalWriter<D>) {
        // Before anything is served: what a reader has seen must not be gone after the next crash, its offsets given to other records.
        try secureLastFrame()
        var logs = try readDirectories()
        // A log without a directory is empty but for what the journal holds. Where it was not, position entries tell.
        logs.reserveCapacity(knownLogs.count)
        for id in knownLogs where logs[id] == nil && !tombstones.contains(id) {
            logs[id] = ShardLog(id: id, startOffset: firstOffset(id), startGeneration: nil)
        }
        let latest = max(
            scan.frames.map(\.arrival).max() ?? .min,
            logs.values.compactMap { $0.segments.map(\.state.lastArrival).max() }.max() ?? .min,
            extents.values.compactMap(\.endMilliseconds).max() ?? .min)
        let commit = GroupCommit(
            after: scan.lastSequence, maxPendingBytes: options.maxPendingBytes, maxGroupBytes: options.maxGroupBytes,
            maxUnflushedBytes: options.maxUnflushedBytes)
        var state = NodeState(
            commit: commit,
            clock: ArrivalClock(
                lastArrival: options.judge.latestArrival(latest), wall: time.wallMilliseconds(),
                monotonic: time.monotonicNanoseconds()),
            tailCacheBytes: options.tailCacheBytes, logs: logs, removed: removedLogs.union(tombstones), files: try journalFiles())
        replay(into: &state)
        compareEnds(in: &state)
        report.damages.sort { ($0.log, $0.from) < ($1.log, $1.from) }
        report.unknownLogs.sort()
        state.recover(report.damages)
        let writer = beginJournal(&state)
        return (state, writer)
    }

    private func journalFiles() throws(DiskError) -> JournalFiles {
        let all = files.enumerated().map { index, file in
            JournalFile(
                number: file.number, name: file.name, bytes: UInt64(file.bytes.count), prewritten: sizes[file.name] ?? 0,
                isKept: scan.damagedFiles.contains(index))
        }
        return JournalFiles(all, spares: try usableSpares(), lastSpare: spares.max() ?? 0)
    }

    /// Begins a new file, so that nothing is ever written behind a tail that was cut. What fails here leaves a log that can be read.
    private func beginJournal(_ state: inout NodeState) -> JournalWriter<D> {
        var writer = JournalWriter(
            disk: disk,
            frames: JournalFrameWriter(
                after: scan.lastSequence, checksum: scan.lastChecksum, directory: scan.lastDirectory, arrival: scan.lastArrival))
        let number = writer.nextNumber
        let start: JournalWriter<D>.FileStart = state.fileStart(
            number, monotonic: time.monotonicNanoseconds(), note: ledger.snapshot())
        do throws(GroupCommit.JournalFailure) {
            try writer.startFile(start)
            state.begin(JournalFile(number: number, name: number, bytes: writer.end, prewritten: writer.prewritten))
        } catch {
            state.startFailed(error)
        }
        return writer
    }

    /// The spares that are as long as they should be; the others are removed.
    private func usableSpares() throws(DiskError) -> [UInt64] {
        var usable: [UInt64] = []
        for spare in spares.sorted() {
            let file = try disk.open(Paths.spare(spare), .existing)
            let size = try file.size()
            file.close()
            if size >= options.journalFileBytes, usable.count < options.spareJournalFiles {
                usable.append(spare)
            } else {
                try disk.remove(Paths.spare(spare))
            }
        }
        return usable
    }

    private mutating func replay(into state: inout NodeState) {
        var unknown: Set<LogID> = []
        for frame in scan.frames {
            for (index, entry) in frame.entries.enumerated() {
                if entry.kind == .note {
                    replayNote(frame.batches[index], frame)
                    continue
                }
                if entry.kind == .removal { ledger.drop(entry.log) }
                guard state.logs[entry.log] != nil else {
                    guard entry.kind == .batch, !tombstones.contains(entry.log) else { continue }
                    if removedLogs.contains(entry.log) {
                        report.removedInJournal.insert(entry.log)
                    } else {
                        unknown.insert(entry.log)
                        state.keep(journalFile: frame.file)
                    }
                    continue
                }
                switch entry.kind {
                case .removal, .beginning, .note: break
                case .position: fill(entry.log, upTo: options.judge.leastEnd(entry.offset), frame, in: &state)
                case .end, .endPosition:
                    fill(entry.log, upTo: entry.offset, frame, in: &state)
                    end(entry.log, arrival: entry.kind == .end ? frame.arrival : entry.endArrival, in: &state)
                case .batch: replay(entry, frame.batches[index], frame, into: &state)
                }
            }
        }
        report.unknownLogs.append(contentsOf: unknown.subtracting(report.unknownLogs))
    }

    private mutating func replayNote(_ place: Range<Int>?, _ frame: JournalScan.Frame) {
        let isTaken = place.map { place in files[frame.file].bytes.withUnsafeBytes { ledger.replay($0.part(place)) } } ?? false
        if isTaken { return }
        report.notes.append(
            "journal frame \(frame.sequence) has lost a note: what producers and holders of leases did in it is not remembered")
    }

    private mutating func replay(
        _ entry: JournalEntry, _ place: Range<Int>?, _ frame: JournalScan.Frame, into state: inout NodeState
    ) {
        fill(entry.log, upTo: entry.offset, frame, in: &state)
        guard let log = state.logs[entry.log], entry.endOffset > log.highWatermark else { return }
        // A trim to the middle of a batch leaves the batch whole, as the first of the log.
        guard entry.offset == log.highWatermark || log.mayBegin(at: entry.offset) else {
            report.notes.append(
                "the journal's batch \(entry.offset)..<\(entry.endOffset) of log \(entry.log) overlaps what is before it")
            return fill(entry.log, upTo: entry.endOffset, frame, in: &state)
        }
        let batch = place.flatMap { place in try? RecordBatch(intact: copy(of: place, in: frame.file)) }
        guard let batch, batch.recordCount == Int(entry.recordCount) else {
            return fill(entry.log, upTo: entry.endOffset, frame, in: &state)
        }
        hold(
            LogItem(
                baseOffset: entry.offset, endOffset: entry.endOffset, arrival: frame.arrival, batch: batch,
                journal: files[frame.file].number), of: entry.log, in: &state)
    }

    /// Memory of its own: a batch that stays must not keep the whole file.
    private func copy(of place: Range<Int>, in file: Int) -> BatchBytes {
        files[file].bytes.withUnsafeBytes { BatchBytes(copying: $0.part(place)) }
    }

    /// What is missing before an offset becomes a hole, and is reported.
    private mutating func fill(_ log: LogID, upTo offset: Int64, _ frame: JournalScan.Frame, in state: inout NodeState) {
        guard let from = state.logs[log]?.highWatermark, from < offset else { return }
        report.damages.append(RecoveryReport.Damage(log: log, from: from, through: offset - 1))
        hold(
            LogItem(baseOffset: from, endOffset: offset, arrival: frame.arrival, batch: nil, journal: files[frame.file].number),
            of: log, in: &state)
    }

    /// Notes that a log takes no records any more.
    private func end(_ log: LogID, arrival: Int64, in state: inout NodeState) {
        guard let found = state.logs[log], found.end == nil else { return }
        state.end(log, LogEnd(offset: found.highWatermark, arrivalMilliseconds: arrival))
    }

    /// What whoever names the logs knows of their ends shows what was lost with a damaged journal.
    private mutating func compareEnds(in state: inout NodeState) {
        for (id, extent) in extents.sorted(by: { $0.key < $1.key }) {
            guard let endOffset = extent.endOffset, let log = state.logs[id] else { continue }
            if log.highWatermark < endOffset {
                report.damages.append(RecoveryReport.Damage(log: id, from: log.highWatermark, through: endOffset - 1))
                hold(
                    LogItem(
                        baseOffset: log.highWatermark, endOffset: endOffset,
                        arrival: extent.endMilliseconds ?? state.clock.lastArrival,
                        batch: nil, journal: files.last?.number ?? 0), of: id, in: &state)
            } else if log.highWatermark > endOffset {
                report.notes.append("log \(id) goes on to \(log.highWatermark), though it was said to end at \(endOffset)")
            }
            let arrival = extent.endMilliseconds ?? log.end?.arrivalMilliseconds ?? state.clock.lastArrival
            state.end(id, LogEnd(offset: max(endOffset, log.highWatermark), arrivalMilliseconds: arrival))
        }
    }

    private func hold(_ item: LogItem, of log: LogID, in state: inout NodeState) {
        state.recover(item, in: log)
    }

    // MARK: Directories

    private mutating func quarantine(_ path: String) throws(DiskError) {
        try Quarantine(disk: disk).move(path)
        report.quarantined.append(path)
    }

    /// Reads the directories of known logs, deletes those of removed ones, and puts all others into quarantine.
    private mutating func readDirectories() throws(DiskError) -> [LogID: ShardLog] {
        var logs: [LogID: ShardLog] = [:]
        for streamName in try disk.list(Paths.logs) {
            guard let stream = Paths.directoryNumber(streamName, as: UInt64.self) else {
                try quarantine("\(Paths.logs)/\(streamName)")
                continue
            }
            try disk.syncDirectory("\(Paths.logs)/\(stream)")
            for name in try disk.list("\(Paths.logs)/\(stream)") {
                guard let shard = Paths.directoryNumber(name, as: UInt32.self) else {
                    try quarantine("\(Paths.logs)/\(stream)/\(name)")
                    continue
                }
                let id = LogID(stream: stream, shard: shard)
                if tombstones.contains(id) || removedLogs.contains(id) {
                    try LogDirectory(disk: disk, log: id).remove()
                } else if knownLogs.contains(id) {
                    logs[id] = try readLog(id)
                } else {
                    report.unknownLogs.append(id)
                    try quarantine(Paths.directory(id))
                }
            }
        }
        return logs
    }

    private mutating func readLog(_ id: LogID) throws(DiskError) -> ShardLog {
        let directory = Paths.directory(id)
        try disk.syncDirectory(directory)
        var bases: [Int64] = []
        var hasStart = false
        for name in try disk.list(directory) {
            if let base = Paths.segmentBase(name) {
                bases.append(base)
            } else if name == Paths.start {
                hasStart = true
            } else {
                try quarantine("\(directory)/\(name)")
            }
        }
        var log = try readStart(id, exists: hasStart, firstBase: bases.min())
        let hold: JournalHold =
            if incomplete.contains(id) { .unknown } else if let first = heldFrom[id], let end = endOffsets[id] {
                .range(first..<max(first, end))
            } else { .nothing(end: positions[id]) }
        try SegmentRecovery(disk: disk, options: options).read(bases.sorted(), of: &log, journal: hold, report: &report)
        return log
    }

    /// Without a start that can be read, everything that is there is held.
    private mutating func readStart(_ id: LogID, exists: Bool, firstBase: Int64?) throws(DiskError) -> ShardLog {
        var offset = firstOffset(id)
        if exists {
            let file = try disk.open(Paths.start(id), .existing)
            defer { file.close() }
            if let start = try StartOffsetFile.read(file, of: id) {
                // Records before it will be dropped on its word, so it is written once more, for the reason that the last frame is.
                if firstOffsets[id] != nil || firstBase ?? start.offset < start.offset { try start.write(to: file) }
                return ShardLog(id: id, startOffset: start.offset, startGeneration: start.generation)
            }
            offset = [firstBase, firstOffsets[id]].compactMap { $0 }.min() ?? offset
            if try !StartOffsetFile.isUnfinished(file, of: id) {
                report.notes.append("\(Paths.start(id)) is damaged; the log begins at the first offset that is there")
                try quarantine(Paths.start(id))
            }
        }
        // A crash while the directory was made leaves none: then nothing was trimmed.
        try LogDirectory(disk: disk, log: id).create(startOffset: offset)
        return ShardLog(id: id, startOffset: offset, startGeneration: StartOffsetFile.firstGeneration)
    }
}
