/// The journal's files that are there, and the spares that wait to become some.

/// Counts what of each file no segment holds, and hands out spares. A value under the node's lock.
struct JournalFiles: Sendable {
    /// In order; the last one is written to.
    private(set) var all: [JournalFile]
    /// Pre-written files that wait to become journal files.
    private(set) var spares: [UInt64]
    private var lastSpare: UInt64
    /// A spare could not be made; it is not tried again before the next file.
    private(set) var spareFailed = false

    /// - Parameter lastSpare: the greatest number that a spare was seen to have.
    init(_ all: [JournalFile], spares: [UInt64], lastSpare: UInt64) {
        self.all = all
        self.spares = spares
        self.lastSpare = lastSpare
    }

    /// An item that stands in a file is in no segment yet.
    mutating func hold(_ item: LogItem) {
        if let index = all.lastIndex(where: { $0.number <= item.journal }) { all[index].unflushedItems += 1 }
    }

    /// An item is in a segment now, or was trimmed.
    mutating func settle(_ item: LogItem) {
        if let index = all.lastIndex(where: { $0.number <= item.journal }) { all[index].unflushedItems -= 1 }
    }

    /// A frame was written to the last file, which ends here now.
    mutating func wrote(upTo end: UInt64) { all[all.count - 1].bytes = end }

    /// A new file was begun.
    mutating func begin(_ file: JournalFile) {
        var file = file
        // One that was cut down to nothing gives way, and what recovery has found missing counts on.
        file.unflushedItems += all.reduce(0) { $1.number == file.number ? $0 + $1.unflushedItems : $0 }
        all.removeAll { $0.number == file.number }
        all.append(file)
        spareFailed = false
    }

    /// A file goes to quarantine in the end.
    mutating func keep(_ index: Int) { all[index].isKept = true }

    /// A file is gone; it has become a spare, or not.
    mutating func forget(_ file: JournalFile, recycledAs spare: UInt64?) {
        all.removeAll { $0.number == file.number }
        if let spare { spares.append(spare) }
    }

    // MARK: Spares

    mutating func takeSpare() -> UInt64? { spares.popLast() }

    /// A number for a new spare.
    mutating func newSpare() -> UInt64 {
        lastSpare += 1
        return lastSpare
    }

    mutating func add(spare: UInt64) { spares.append(spare) }

    mutating func spareWasNotMade() { spareFailed = true }

    /// The number for a file that is worth to be written again; nil when there are enough spares.
    mutating func spareNumber(for file: JournalFile, _ options: LogOptions) -> UInt64? {
        guard spares.count < options.spareJournalFiles, file.prewritten >= options.journalFileBytes else { return nil }
        return newSpare()
    }
}
