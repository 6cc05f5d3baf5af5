/// One file's content on the simulated disk: as programs see it, and as it is after a crash.

/// Two copies, and which pages of them differ.
struct SimulatedInode: Sendable {
    static let pageSize = 4_096
    static let sectorSize = 512

    private(set) var current: [UInt8] = []
    private(set) var durable: [UInt8] = []
    /// One bit for each page that differs, or may.
    private var dirty: [UInt64] = []
    private var sizeIsDirty = false

    init() {}

    init(settled bytes: [UInt8]) {
        current = bytes
        durable = bytes
    }

    /// Writes into the page cache.
    mutating func put(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        let end = start + bytes.count
        if start == current.count {
            mark(start / Self.pageSize)
            current.append(contentsOf: bytes)
            sizeIsDirty = true
        } else {
            if end > current.count { truncate(to: end) }
            current.withUnsafeMutableBytes { $0.baseAddress?.advanced(by: start).copyMemory(from: source, byteCount: bytes.count) }
        }
        for page in start / Self.pageSize...(end - 1) / Self.pageSize { mark(page) }
    }

    mutating func truncate(to size: Int) {
        // The page in which the file ends, or ended, changes: what is past the end reads as zeros.
        mark(min(size, current.count) / Self.pageSize)
        current.resize(to: size)
        sizeIsDirty = true
    }

    /// Makes everything durable.
    mutating func sync() {
        // Writing a page out also makes the file as long as to hold it.
        var reach = durable.count
        if !sizeIsDirty, let last = dirty.lastIndex(where: { $0 != 0 }) {
            let page = last * 64 + 63 - dirty[last].leadingZeroBitCount
            reach = max(reach, min(current.count, (page + 1) * Self.pageSize))
        }
        durable.resize(to: sizeIsDirty ? current.count : reach)
        eachDirtyPage { inode, page in inode.copyOut(page * Self.pageSize, Self.pageSize) }
        dropDirtyPages()
    }

    /// What a failed sync leaves: the pages are called clean and were never written.
    mutating func dropDirtyPages() {
        for word in dirty.indices { dirty[word] = 0 }
        sizeIsDirty = false
    }

    /// A sync that fails half way: any subset of the pages was written, all are called clean.
    mutating func syncPartly(_ random: inout SeededGenerator) {
        writeOut(&random, bySector: false)
        dropDirtyPages()
    }

    /// After a crash: what had been written on its own account is there.
    func surviving(_ random: inout SeededGenerator, bySector: Bool) -> SimulatedInode {
        var left = self
        left.writeOut(&random, bySector: bySector)
        return SimulatedInode(settled: left.durable)
    }

    /// Changes content in both copies alike.
    mutating func damage(_ body: (inout [UInt8]) -> Void) {
        body(&current)
        durable = current
        dropDirtyPages()
    }

    // MARK: Pages

    private mutating func mark(_ page: Int) {
        while dirty.count <= page / 64 { dirty.append(0) }
        dirty[page / 64] |= 1 << UInt64(page % 64)
    }

    private mutating func eachDirtyPage(_ body: (inout SimulatedInode, Int) -> Void) {
        for word in dirty.indices {
            var bits = dirty[word]
            while bits != 0 {
                body(&self, word * 64 + bits.trailingZeroBitCount)
                bits &= bits - 1
            }
        }
    }

    private mutating func writeOut(_ random: inout SeededGenerator, bySector: Bool) {
        let sizeIsKept = sizeIsDirty && random.next() % 2 == 0
        // None, some or all: the extremes are as likely as the rest.
        let chance = random.next() % 5
        if sizeIsKept { durable.resize(to: current.count) }
        var dice = random
        eachDirtyPage { inode, page in
            let start = page * Self.pageSize
            if bySector, dice.next() % 4 == 0 {
                for sector in 0..<Self.pageSize / Self.sectorSize where dice.next() % 2 == 0 {
                    inode.copyOut(start + sector * Self.sectorSize, Self.sectorSize)
                }
            } else if dice.next() % 4 < chance {
                inode.copyOut(start, Self.pageSize)
            }
        }
        random = dice
    }

    /// Makes a part durable, as far as both copies have it.
    private mutating func copyOut(_ start: Int, _ count: Int) {
        let end = min(start + count, current.count, durable.count)
        guard start < end else { return }
        current.withUnsafeBytes { source in
            durable.withUnsafeMutableBytes { destination in
                guard let from = source.baseAddress, let to = destination.baseAddress else { return }
                to.advanced(by: start).copyMemory(from: from.advanced(by: start), byteCount: end - start)
            }
        }
    }
}

extension [UInt8] {
    /// Cuts, or extends with zeros.
    mutating func resize(to size: Int) {
        if size < count {
            removeLast(count - size)
        } else if size > count {
            append(contentsOf: repeatElement(0, count: size - count))
        }
    }
}
