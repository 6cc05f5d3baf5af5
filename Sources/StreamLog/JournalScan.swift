/// Reads journal files as recovery does: keeps what counts, cuts what never counted, salvages what was damaged.

internal import Codecs
package import Host
internal import RecordBatch

/// The outcome of reading all journal files in order.
package struct JournalScan: Sendable {
    /// A journal file in memory.
    package struct File: Sendable {
        /// That of its first frame.
        package var number: UInt64
        /// What it is called; another number if somebody has moved it.
        package var name: UInt64
        package var bytes: [UInt8]
        /// The format of its frames where this build does not know it.
        package var unknownFormat: String?

        /// - Parameter name: its number too, unless its first frame has another.
        package init(name: UInt64, bytes: [UInt8]) {
            number = bytes.withUnsafeBytes { JournalHeader($0, at: 0)?.sequence } ?? name
            // It was written before frames were aligned, so nothing in it would be found.
            let isFirst = bytes.withUnsafeBytes { $0.count >= JournalHeader.size && $0.field(0) == JournalHeader.firstMagic }
            unknownFormat = isFirst ? "MRJ1" : nil
            self.name = name
            self.bytes = bytes
        }

    }

    /// A frame that counts.
    package struct Frame: Sendable {
        package var file: Int
        package var sequence: UInt64
        package var arrival: Int64
        package var entries: [JournalEntry]
        /// For each entry that is a batch or a note where its bytes lie in the file; nil where they are damaged.
        package var batches: [Range<Int>?]
        /// What the next frame is bound to; nil where it is not known.
        package var checksum: UInt32?
    }

    package private(set) var frames: [Frame] = []
    /// Sequence numbers of frames of which nothing is known, not even for which logs they were.
    package private(set) var lostFrames: [ClosedRange<UInt64>] = []
    /// Bytes of frames that were begun and are not whole, at the journal's end or before a frame that took their place.
    package private(set) var cutBytes = 0
    /// Indices of files that hold damage.
    package private(set) var damagedFiles: Set<Int> = []
    /// Something that is right and that this build does not know: then nothing else here counts.
    package private(set) var unknownFormat: UnknownFormat?
    /// Where the last kept frame lies. It may be on the disk's cache only: it is the one frame whose sync nothing proves.
    package private(set) var lastFrame: (file: Int, bytes: Range<Int>)?

    /// The last frame that counts, for the writer to go on from.
    package private(set) var lastSequence: UInt64
    package private(set) var lastChecksum: UInt32 = 0
    package private(set) var lastDirectory: [JournalEntry] = []
    package private(set) var lastArrival = Int64.min
    /// False while the frame before the next one is unknown, so that its checksum cannot be compared.
    private var chainIsKnown = false

    private let files: [File]
    private let judge: any LogJudge

    /// - Parameter files: in order of their numbers.
    package init(_ files: [File], judge: any LogJudge = StrictJudge()) {
        self.files = files
        self.judge = judge
        lastSequence = files.first.map { $0.number &- 1 } ?? 0
        if let file = files.first(where: { $0.unknownFormat != nil }) {
            unknownFormat = UnknownFormat(Paths.journal(file.name), found: file.unknownFormat ?? "", known: JournalHeader.format)
            return
        }
        var place = Place(file: 0, offset: 0)
        while place.file < files.count {
            if place.offset == 0 { enter(place.file) }
            place = step(at: place)
        }
        frames = judge.replayed(frames)
    }

    private struct Place {
        var file: Int
        var offset: Int
    }

    private struct Found {
        var place: Place
        var header: JournalHeader
    }

    /// The name of a file proves that all frames before its number were synced.
    private mutating func enter(_ file: Int) {
        let number = files[file].number
        if number <= lastSequence { return goBack(to: file) }
        guard number > lastSequence &+ 1 else { return }
        // The first frame of the file repeats the directory of the frame before; `step` will use it if it can.
        if let header = files[file].bytes.withUnsafeBytes({ JournalHeader($0, at: 0) }), header.sequence >= number { return }
        lose(lastSequence &+ 1, through: number - 1, file: max(0, file - 1))
    }

    /// A file that begins before the end of the one before it was begun by a start that had cut frames off there. They did not count then, so
    /// they don't count now, even if they are found whole.
    private mutating func goBack(to file: Int) {
        guard let kept = frameBefore(file) else { return }
        frames.removeSubrange((kept + 1)...)
        (lastSequence, lastChecksum, lastDirectory) = (frames[kept].sequence, frames[kept].checksum ?? 0, frames[kept].entries)
        chainIsKnown = true
    }

    /// The frame that a file's first one follows, if there are others after it.
    private func frameBefore(_ file: Int) -> Int? {
        guard file < files.count, files[file].number <= lastSequence,
            let header = files[file].bytes.withUnsafeBytes({ JournalHeader($0, at: 0) }),
            let kept = frames.lastIndex(where: { $0.sequence < header.sequence }),
            frames[kept].sequence == header.sequence - 1, frames[kept].checksum == header.previousChecksum
        else { return nil }
        return kept
    }

    private mutating func lose(_ first: UInt64, through last: UInt64, file: Int) {
        if first <= last { lostFrames.append(first...last) }
        damagedFiles.insert(file)
        lastSequence = last
        lastDirectory = []
        chainIsKnown = false
    }

    /// Judges what stands at a place and returns where to go on.
    private mutating func step(at place: Place) -> Place {
        let bytes = files[place.file].bytes
        let header = bytes.withUnsafeBytes { JournalHeader($0, at: place.offset) }
        if let header, judge.follows(header, lastSequence: lastSequence, checksum: chainIsKnown ? lastChecksum : nil) {
            if let frame = whole(header, at: place) {
                keep(frame, header)
                lastFrame = (place.file, place.offset..<place.offset + header.length)
                return Place(file: place.file, offset: min(place.offset + header.paddedLength, bytes.count))
            }
            noteUnknownEntries(header, at: place)
            return judge(.damagedBody, at: place, header: header)
        }
        if let header, header.sequence > lastSequence { return judge(.nothing, at: place, header: nil) }
        return judge(place.offset >= bytes.count ? .nothing : .damagedHeader, at: place, header: nil)
    }

    private mutating func judge(_ finding: Recovery.Finding, at place: Place, header: JournalHeader?) -> Place {
        if frameBefore(place.file + 1) != nil { return Place(file: place.file + 1, offset: 0) }
        let afterThis = Place(
            file: place.file,
            offset: header.map { min(place.offset + $0.paddedLength, files[place.file].bytes.count) } ?? place.offset)
        let next = findHeader(from: afterThis, following: header)
        let later: Recovery.Later =
            if let next {
                next.header.sequence == lastSequence &+ 1 && (!chainIsKnown || next.header.previousChecksum == lastChecksum)
                    && (chainIsKnown || header == nil) ? .replaces : .proves
            } else { .none }
        switch Recovery.verdict(finding, later) {
        case .keep, .end: return Place(file: files.count, offset: 0)
        case .cut:
            countCut(header, at: place)
            return Place(file: files.count, offset: 0)
        case .pass:
            guard let next else { return Place(file: files.count, offset: 0) }
            countCut(header, at: place)
            return next.place
        case .salvage:
            guard let next else { return Place(file: files.count, offset: 0) }
            salvage(at: place, header: header, next: next)
            return next.place
        }
    }

    /// Without a header nobody can tell a torn frame from what a recycled file held before.
    private mutating func countCut(_ header: JournalHeader?, at place: Place) {
        guard let header else { return }
        cutBytes += min(header.length, files[place.file].bytes.count - place.offset)
    }

    /// The next header at or after a place that can be one of this journal's: its sequence number is not a thing of the past.
    private func findHeader(from place: Place, following: JournalHeader?) -> Found? {
        let least = lastSequence &+ 1
        for file in place.file..<files.count {
            let start = file == place.file ? FileAccess.aligned(place.offset) : 0
            let found = files[file].bytes.withUnsafeBytes { bytes -> Found? in
                // All frames of a file carry the nonce of its first; where that one is damaged, any will do.
                let nonce = JournalHeader(bytes, at: 0)?.nonce
                for offset in stride(from: start, through: bytes.count - JournalHeader.size, by: FileAccess.alignment) {
                    if let header = JournalHeader(bytes, at: offset), header.sequence >= least,
                        nonce == nil || header.nonce == nonce
                    {
                        return Found(place: Place(file: file, offset: offset), header: header)
                    }
                }
                return nil
            }
            if let found { return found }
        }
        return nil
    }

    /// The frame at a place if all of it is right.
    private func whole(_ header: JournalHeader, at place: Place) -> Frame? {
        guard let directory = directories(header, at: place)?.own else { return nil }
        let end = place.offset + header.length
        guard end <= files[place.file].bytes.count else { return nil }
        let batches = locate(
            directory, endingAt: end, in: place.file, notBefore: place.offset + JournalHeader.size + header.directoryBytes)
        for (entry, batch) in zip(directory, batches) where entry.kind.hasBytes && batch == nil { return nil }
        return Frame(
            file: place.file, sequence: header.sequence, arrival: header.arrival, entries: directory, batches: batches,
            checksum: header.checksum)
    }

    /// Both directories of a frame if they are right.
    private func directories(_ header: JournalHeader, at place: Place) -> (own: [JournalEntry], previous: [JournalEntry])? {
        files[place.file].bytes.withUnsafeBytes { bytes in
            guard let start = areRight(header, at: place, bytes)?.lowerBound else { return nil }
            var entries: [JournalEntry] = []
            entries.reserveCapacity(header.entryCount + header.previousEntryCount)
            for index in 0..<header.entryCount + header.previousEntryCount {
                guard let entry = JournalEntry(bytes, at: start + index * JournalEntry.size) else { return nil }
                entries.append(entry)
            }
            return (Array(entries[..<header.entryCount]), Array(entries[header.entryCount...]))
        }
    }

    /// Looks whether a frame's directories are right and have entries of a kind that this build does not know.
    private mutating func noteUnknownEntries(_ header: JournalHeader, at place: Place) {
        guard unknownFormat == nil else { return }
        let kind = files[place.file].bytes.withUnsafeBytes { bytes -> UInt32? in
            guard let directories = areRight(header, at: place, bytes) else { return nil }
            return stride(from: directories.lowerBound, to: directories.upperBound, by: JournalEntry.size).lazy
                .compactMap { JournalEntry.unknownKind(bytes, at: $0) }.first
        }
        guard let kind else { return }
        unknownFormat = UnknownFormat(
            "frame \(header.sequence) of \(Paths.journal(files[place.file].name))",
            found: "\(JournalHeader.format) with entries of kind \(kind)",
            known:
                "\(JournalHeader.format) with kinds \(JournalEntryKind.allCases.map { String($0.rawValue) }.joined(separator: ", "))"
        )
    }

    /// Where both directories of a frame lie if their checksum is right.
    private func areRight(_ header: JournalHeader, at place: Place, _ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        let start = place.offset + JournalHeader.size
        guard header.directoryBytes <= bytes.count - start else { return nil }
        let seed = CRC32C.checksum(bytes.part(place.offset..<place.offset + 36))
        let range = start..<start + header.directoryBytes
        return CRC32C.checksum(bytes.part(range), continuing: seed) == header.checksum ? range : nil
    }

    /// Where the batches of a directory lie, counted from the frame's end; nil for each that is damaged.
    private func locate(_ directory: [JournalEntry], endingAt end: Int, in file: Int, notBefore start: Int) -> [Range<Int>?] {
        var places = [Range<Int>?](repeating: nil, count: directory.count)
        files[file].bytes.withUnsafeBytes { bytes in
            var upper = end
            for index in directory.indices.reversed() where directory[index].kind.hasBytes {
                let entry = directory[index]
                let lower = upper - Int(entry.length)
                guard lower >= start, upper <= bytes.count else { break }
                if judge.isIntact(bytes.part(lower..<upper), entry) {
                    places[index] = lower..<upper
                }
                upper = lower
            }
        }
        return places
    }

    private mutating func keep(_ frame: Frame, _ header: JournalHeader) {
        frames.append(frame)
        lastSequence = header.sequence
        lastChecksum = header.checksum
        lastDirectory = frame.entries
        lastArrival = frame.arrival
        chainIsKnown = true
    }

    /// Keeps of the frames between here and `next` what can be proven right.
    private mutating func salvage(at place: Place, header: JournalHeader?, next: Found) {
        let first = lastSequence &+ 1
        let last = next.header.sequence &- 1
        let own = header.flatMap { directories($0, at: place)?.own }
        let copy = directories(next.header, at: next.place)?.previous
        damagedFiles.insert(place.file)
        noteUnknownEntries(next.header, at: next.place)
        // Only one frame is missing, or only the last of several can be known.
        if let header, let own, header.sequence == first {
            addSalvaged(own, sequence: first, arrival: header.arrival, place: place, end: place.offset + header.length)
            if last > first { lose(first + 1, through: last, file: place.file) }
        } else if let copy, first <= last {
            if first < last { lostFrames.append(first...(last - 1)) }
            let end = frameEnd(of: copy, sequence: last, at: place, header: header, next: next)
            addSalvaged(copy, sequence: last, arrival: next.header.previousArrival, place: place, end: end)
        } else {
            lose(first, through: last, file: place.file)
        }
        lastSequence = last
        lastChecksum = next.header.previousChecksum
        chainIsKnown = true
        lastDirectory = copy ?? own ?? []
        lastArrival = next.header.previousArrival
    }

    /// Where the batches of a frame end whose header may be unreadable, told by the copy of its directory.
    private func frameEnd(of copy: [JournalEntry], sequence: UInt64, at place: Place, header: JournalHeader?, next: Found) -> Int {
        let bytes = files[place.file].bytes
        if sequence == lastSequence &+ 1 {
            // It begins here, so its layout follows from the two directories.
            if let header { return place.offset + header.length }
            let entries = copy.count + lastDirectory.count { !$0.kind.isPosition }
            let start = place.offset + JournalHeader.size + entries * JournalEntry.size
            return copy.reduce(start) { $1.kind.hasBytes ? $0 + Int($1.length) : $0 }
        }
        // Only that it ends within a block of the next one is known.
        guard next.place.file == place.file, let last = copy.last(where: { $0.kind.hasBytes }) else { return place.offset }
        return bytes.withUnsafeBytes { bytes in
            let least = max(place.offset + Int(last.length), next.place.offset - FileAccess.alignment)
            for end in stride(from: min(next.place.offset, bytes.count), through: least, by: -1)
            where judge.isIntact(bytes.part(end - Int(last.length)..<end), last) {
                return end
            }
            return place.offset
        }
    }

    private mutating func addSalvaged(_ entries: [JournalEntry], sequence: UInt64, arrival: Int64, place: Place, end: Int) {
        var batches = locate(entries, endingAt: end, in: place.file, notBefore: place.offset)
        var damaged: Set<UInt32> = []
        for (index, entry) in entries.enumerated() where entry.kind.hasBytes && batches[index] == nil {
            damaged.insert(entry.append)
        }
        let unservable = judge.unservable(damaged)
        for (index, entry) in entries.enumerated() where unservable.contains(entry.append) {
            batches[index] = nil
        }
        frames.append(Frame(file: place.file, sequence: sequence, arrival: arrival, entries: entries, batches: batches))
    }
}
