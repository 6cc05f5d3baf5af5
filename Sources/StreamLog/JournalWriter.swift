/// Writes the journal's files: frames at the end of the current one, and new files in turn.

internal import Host

/// The journal as its thread holds it.
struct JournalWriter<D: Disk> {
    typealias Failure = GroupCommit.JournalFailure

    private let disk: D
    private var file: D.File?
    /// Where the next frame goes.
    private(set) var end: UInt64 = 0
    /// Frames in the current file.
    private(set) var frameCount = 0
    var frames: JournalFrameWriter
    /// A write failed half way; what stands after `end` is to be cut off.
    private var hasRemains = false

    init(disk: D, frames: JournalFrameWriter) {
        self.disk = disk
        self.frames = frames
    }

    var hasFile: Bool { file != nil }
    /// The number that a file begun now gets.
    var nextNumber: UInt64 { frames.sequence + 1 }

    /// Begins a new file. Its first frame states the high watermark of every log, so that a segment that lost its end is found out, and
    /// it carries the latest arrival, so that no arrival time is given twice when the older files are gone.
    mutating func startFile(arrival: Int64, positions: [JournalEntry]) throws(Failure) {
        let path = Paths.journal(nextNumber)
        frames.make(arrival: arrival, entries: positions, batches: [])
        let bytes = frames.bytes
        do throws(DiskError) {
            let new = try disk.open(path, .createIfAbsent)
            do throws(DiskError) {
                if try new.size() > 0 { try new.truncate(to: 0) }
                try new.write(bytes, at: 0)
            } catch {
                new.close()
                // Harmless if it stays: it holds no whole frame.
                try? disk.remove(path)
                throw error
            }
            try JournalWriter.sealing { () throws(DiskError) in
                try new.sync()
                try disk.syncDirectory(Paths.journal)
            }
            file?.close()
            file = new
        } catch {
            throw JournalWriter.failure(error)
        }
        frames.accept()
        end = UInt64(bytes.count)
        frameCount = 1
        hasRemains = false
    }

    /// Writes the frame that `frames` made last, without syncing it.
    mutating func write() throws(Failure) {
        guard let file else { throw Failure(diskIsFull: false, reason: "the journal has no file") }
        do throws(DiskError) {
            if hasRemains {
                try file.truncate(to: end)
                hasRemains = false
            }
            hasRemains = true
            try file.write(frames.bytes, at: end)
            hasRemains = false
        } catch {
            // The part that was written cannot be a whole frame; it is overwritten or cut off before the next one.
            if (try? file.truncate(to: end)) != nil { hasRemains = false }
            throw JournalWriter.failure(error)
        }
        end += UInt64(frames.bytes.count)
        frameCount += 1
        frames.accept()
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

    /// A sync that fails for lack of space has failed for good like any other.
    private static func sealing(_ body: () throws(DiskError) -> Void) throws(DiskError) {
        do throws(DiskError) {
            try body()
        } catch {
            throw error.kind == .noSpace ? DiskError(.inputOutput, operation: error.operation, path: error.path) : error
        }
    }

    static func failure(_ error: DiskError) -> Failure {
        error.kind == .noSpace
            ? Failure(diskIsFull: true, reason: "the disk is full") : Failure(diskIsFull: false, reason: "\(error)")
    }
}
