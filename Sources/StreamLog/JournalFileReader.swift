/// Reads a journal file from the disk as far as it can matter: not the rest of a recycled file's earlier life.

internal import Host

/// Loads journal files for `JournalScan`.
struct JournalFileReader<D: Disk> {
    let disk: D
    var judge: any LogJudge = StrictJudge()

    /// Bytes read at once.
    private static var windowBytes: Int { 1 << 20 }

    /// A file's number, its frames and what may be damaged among them. What is left out holds no frame that could count.
    /// - Parameter isLast: of another file everything is kept: its last frame's header may be damaged, and the next file tells what it was.
    func read(_ number: UInt64, isLast: Bool) throws(DiskError) -> (file: JournalScan.File, fileBytes: UInt64) {
        let file = try disk.open(Paths.journal(number), .existing)
        defer { file.close() }
        let size = try file.size()
        var window = Window(file: file, size: size, bytes: JournalFileReader.windowBytes)
        let walk = try walkFrames(&window)
        // Where no frame of ours begins the file, it may be one of another format.
        let hasLater = isLast || walk.end == 0 ? try holdsLaterFrame(walk, &window) : true
        let used = judge.usedBytes(ofFile: size, framesEnd: walk.end, holdsLater: !isLast || hasLater)
        var content = JournalScan.File(name: number, bytes: try file.bytes(at: 0, count: Int(clamping: used)))
        content.unknownFormat = window.unknownFormat
        return (content, size)
    }

    private struct Walk {
        /// Where no further frame stands.
        var end: UInt64 = 0
        var lastSequence: UInt64 = 0
        var nonce: UInt32?
    }

    /// Goes from header to header; whether bodies are right is not asked here.
    private func walkFrames(_ window: inout Window<D.File>) throws(DiskError) -> Walk {
        var walk = Walk()
        while let header = try window.header(at: walk.end) {
            guard walk.nonce == nil || header.nonce == walk.nonce && header.sequence == walk.lastSequence &+ 1 else { break }
            walk.nonce = header.nonce
            walk.lastSequence = header.sequence
            walk.end = min(window.size, walk.end + UInt64(header.paddedLength))
        }
        return walk
    }

    /// Whether a frame stands after the place where the walk ended: then what lies between is damage.
    private func holdsLaterFrame(_ walk: Walk, _ window: inout Window<D.File>) throws(DiskError) -> Bool {
        var place = walk.end
        while place < window.size {
            if let header = try window.header(at: place), header.sequence > walk.lastSequence,
                walk.nonce == nil || header.nonce == walk.nonce
            {
                return true
            }
            place += UInt64(FileAccess.alignment)
        }
        return false
    }
}

/// A part of a file in memory that moves forward.
private struct Window<File: DiskFile> {
    let file: File
    let size: UInt64
    let bytes: Int
    private var content: [UInt8] = []
    private var start: UInt64 = 0
    /// The format of a frame that was met and that this build does not know.
    private(set) var unknownFormat: String?

    init(file: File, size: UInt64, bytes: Int) {
        self.file = file
        self.size = size
        self.bytes = bytes
    }

    /// The header at a place, nil when none is right there.
    mutating func header(at place: UInt64) throws(DiskError) -> JournalHeader? {
        guard place < size, size - place >= UInt64(JournalHeader.size) else { return nil }
        let isInside = place >= start && place - start + UInt64(JournalHeader.size) <= UInt64(content.count)
        if !isInside {
            content = try file.bytes(at: place, count: Int(clamping: min(size - place, UInt64(bytes))))
            start = place
        }
        let position = Int(place - start)
        return content.withUnsafeBytes { bytes in
            if let header = JournalHeader(bytes, at: position) { return header }
            unknownFormat = unknownFormat ?? JournalHeader.unknownFormat(bytes, at: position)
            return nil
        }
    }
}
