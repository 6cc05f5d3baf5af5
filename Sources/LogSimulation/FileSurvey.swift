/// Finds the marked batches in the files of a disk, to know what damage to a file can cost.

internal import HostSimulation
internal import RecordBatch
internal import StreamLog

/// Where the copies of batches lie on a disk.
struct FileSurvey {
    enum Role {
        case journal, segment, start, other
    }

    struct File {
        var path: String
        var bytes: Int
        var role: Role
    }

    struct Copy {
        var file: Int
        var range: Range<Int>
        var isIntact: Bool
    }

    /// A frame of the newest journal file, in the order of writing.
    struct LiveFrame {
        var range: Range<Int>
    }

    private(set) var files: [File] = []
    /// By number of batch.
    private(set) var copies: [Int: [Copy]] = [:]
    /// The file that the next frame would go to.
    private(set) var newestJournal: Int?
    /// By file: the frames of the journal's files that belong together.
    private(set) var frames: [Int: [LiveFrame]] = [:]

    init(_ disk: SimulatedDisk, _ model: LogModel) {
        var found: [File] = []
        var copies: [Int: [Copy]] = [:]
        var frames: [Int: [LiveFrame]] = [:]
        disk.forEachFile { path, bytes in
            let role: Role =
                if path.hasSuffix(".journal") { .journal } else if path.hasSuffix(".segment") {
                    .segment
                } else if path.hasSuffix("/start") {
                    .start
                } else { .other }
            FileSurvey.eachMarker(bytes) { place, number in
                guard number < model.batches.count else { return }
                let batch = model.batches[number]
                let start = place - batch.markerPlace
                guard start >= 0, start + batch.byteCount <= bytes.count else { return }
                let isIntact = batch.batch.bytes.withUnsafeBytes { own in
                    own[8...].elementsEqual(bytes[start + 8..<start + own.count])
                }
                copies[number, default: []].append(
                    Copy(file: found.count, range: start..<start + batch.byteCount, isIntact: isIntact))
            }
            if role == .journal { frames[found.count] = FileSurvey.frames(bytes) }
            found.append(File(path: path, bytes: bytes.count, role: role))
        }
        files = found
        self.copies = copies
        self.frames = frames
        newestJournal = files.indices.last { files[$0].role == .journal && files[$0].path.hasPrefix("journal/") }
    }

    private static func eachMarker(_ bytes: UnsafeRawBufferPointer, _ body: (Int, Int) -> Void) {
        guard bytes.count >= MarkedBatch.keySize else { return }
        // The marker's bytes are rare, its first one is looked for.
        let first = UInt8(truncatingIfNeeded: MarkedBatch.magic)
        var place = 0
        let last = bytes.count - MarkedBatch.keySize
        while place <= last {
            if bytes[place] == first, bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) == MarkedBatch.magic.littleEndian
            {
                let number = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self))
                body(place, Int(truncatingIfNeeded: number & 0xFFFF_FFFF))
                place += MarkedBatch.keySize
            } else {
                place += 1
            }
        }
    }

    /// The frames of a file from its beginning, as long as their numbers go on.
    private static func frames(_ bytes: UnsafeRawBufferPointer) -> [LiveFrame] {
        var frames: [LiveFrame] = []
        var place = 0
        var next: UInt64?
        while let header = JournalHeader(bytes, at: place), next == nil || header.sequence == next {
            frames.append(LiveFrame(range: place..<min(bytes.count, place + header.length)))
            next = header.sequence + 1
            place += header.paddedLength
        }
        return frames
    }

    /// Batches with a copy for which something is true.
    func batches(where isMeant: (Copy) -> Bool) -> Set<Int> {
        Set(copies.filter { $0.value.contains(where: isMeant) }.keys)
    }
}
