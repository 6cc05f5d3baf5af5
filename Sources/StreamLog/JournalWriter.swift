/// Writes the journal's files: frames at the end of the current one, and new files in turn.

internal import Host

/// The journal as the one who has it holds it.
struct JournalWriter<D: Disk> {
    typealias Failure = GroupCommit.JournalFailure

    private let disk: D
    private var file: D.File?
    /// Where the next frame goes.
    private(set) var end: UInt64 = 0
    /// The bytes of the file that were written before, by this process or an earlier life of it; 0 in a file that grows.
    private(set) var prewritten: UInt64 = 0
    /// Frames in the current file.
    private(set) var frameCount = 0
    var frames: JournalFrameWriter

    init(disk: D, frames: JournalFrameWriter) {
        self.disk = disk
        self.frames = frames
    }

    var hasFile: Bool { file != nil }
    /// The number that a file begun now gets.
    var nextNumber: UInt64 { frames.sequence + 1 }

    /// What a new file is made of.
    struct FileStart {
        /// The latest arrival, so that no arrival time is given twice when the older files are gone.
        var arrival: Int64
        /// The high watermark of every log that has one, so that a segment that lost its end is found out, and what nothing else on the disk tells:
        /// which logs have ended, and where those begin that have no directory yet.
        var positions: [JournalEntry]
        /// All states that conditions are decided against.
        var note: [UInt8]?
        /// See `JournalHeader.nonce`.
        var nonce: UInt32
        /// The spare file that becomes it; nil makes one that grows.
        var spare: UInt64?
    }

    /// Begins a new file. Its first frame is durable before the file has its name.
    mutating func startFile(_ start: FileStart) throws(Failure) {
        let path = Paths.journal(nextNumber)
        let nonce = frames.nonce
        frames.beginFile(nonce: start.nonce)
        // Sorted, so that the same calls give the same bytes.
        let positions = start.positions.sorted { ($0.log, $0.kind.rawValue) < ($1.log, $1.kind.rawValue) }
        frames.make(
            arrival: start.arrival, entries: positions + (start.note.map { [JournalEntry(note: $0, append: 0)] } ?? []),
            batches: [],
            notes: start.note.map { [$0] } ?? [])
        do throws(DiskError) {
            let new: D.File
            if let spare = start.spare {
                new = try recycle(Paths.spare(spare), as: path)
                prewritten = try new.size()
            } else {
                new = try create(path)
                prewritten = 0
            }
            file?.close()
            file = new
        } catch {
            // The file before may go on.
            frames.beginFile(nonce: nonce)
            throw JournalWriter.failure(error)
        }
        end = UInt64(frames.frame.count)
        frames.accept()
        frameCount = 1
    }

    private func create(_ path: String) throws(DiskError) -> D.File {
        let new = try disk.open(path, .createIfAbsent, .direct)
        do throws(DiskError) {
            if try new.size() > 0 { try new.truncate(to: 0) }
            try new.write(frames.frame, at: 0)
        } catch {
            new.close()
            // It may hold a whole frame. If it came back, it would count instead of what the file before it goes on with.
            try JournalWriter.sealing { () throws(DiskError) in
                try disk.remove(path)
                try disk.syncDirectory(Paths.journal)
            }
            throw error
        }
        try JournalWriter.sealing { () throws(DiskError) in
            try new.sync()
            try disk.syncDirectory(Paths.journal)
        }
        return new
    }

    private func recycle(_ spare: String, as path: String) throws(DiskError) -> D.File {
        let new = try disk.open(spare, .existing, .direct)
        try new.write(frames.frame, at: 0)
        try JournalWriter.sealing { () throws(DiskError) in try new.sync() }
        try disk.rename(spare, to: path)
        try JournalWriter.sealing { () throws(DiskError) in
            try disk.syncDirectory(Paths.journal)
        }
        return new
    }

    /// Writes the frame that `frames` made last, without syncing it.
    mutating func write() throws(Failure) {
        guard let file else { throw Failure(diskIsFull: false, reason: "the journal has no file") }
        let frame = frames.frame
        do throws(DiskError) {
            try file.write(frame, at: end)
        } catch {
            // A refused frame must not be found whole, though most of it may have been written. Where that cannot be made sure, nobody may be
            // told that it was refused for lack of space alone, and nothing can be written in its place.
            do throws(DiskError) {
                try clearRemains(file)
            } catch let second {
                throw Failure(diskIsFull: false, reason: "\(error), and then \(second)")
            }
            throw JournalWriter.failure(error)
        }
        end += UInt64(frame.count)
        frameCount += 1
        frames.accept()
        if frame.count > 16 << 20 { frames.shrink(to: 1 << 20) }
    }

    /// Makes that no frame begins at `end`. A file that grows is cut, which needs no space; in one that was pre-written there is space.
    private func clearRemains(_ file: D.File) throws(DiskError) {
        guard end < prewritten else { return try file.truncate(to: end) }
        let blank = AlignedBuffer()
        let block = blank.room(for: FileAccess.alignment)
        block.initializeMemory(as: UInt8.self, repeating: 0)
        try file.write(blank.prefix(FileAccess.alignment), at: end)
    }

    /// Makes durable what was written.
    func sync() throws(Failure) {
        guard let file else { throw Failure(diskIsFull: false, reason: "the journal has no file") }
        do throws(DiskError) {
            try JournalWriter.sealing { () throws(DiskError) in try file.sync() }
        } catch {
            throw JournalWriter.failure(error)
        }
    }

    func close() { file?.close() }

    /// A sync, or a step that must not be left half done, that fails for lack of space or descriptors has failed for good like any other.
    private static func sealing(_ body: () throws(DiskError) -> Void) throws(DiskError) {
        do throws(DiskError) {
            try body()
        } catch {
            throw [.noSpace, .exhausted].contains(error.kind)
                ? DiskError(.inputOutput, operation: error.operation, path: error.path) : error
        }
    }

    static func failure(_ error: DiskError) -> Failure {
        switch error.kind {
        case .noSpace: Failure(.diskFull, reason: "the disk is full")
        case .exhausted:
            Failure(.exhausted, reason: "the process has no descriptors or memory left (\(error.operation) \(error.path))")
        default: Failure(.lasting, reason: "\(error)")
        }
    }
}
