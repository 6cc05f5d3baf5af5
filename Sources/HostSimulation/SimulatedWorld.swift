/// What the simulated disk holds: current and durable content side by side.

internal import Host

/// Files and directories, twice: as programs see them, and as they are after a crash.
struct SimulatedWorld: Sendable {
    static let pageSize = 4_096

    enum Entry: Hashable, Sendable {
        case directory
        case file(Int)
    }

    /// A change of the tree.
    enum Change: Sendable {
        case create(String, Entry)
        case rename(String, String)
        case remove(String)

        /// The directories whose sync makes it durable.
        var directories: [String] {
            switch self {
            case .create(let path, _), .remove(let path): [SimulatedWorld.parent(path)]
            case .rename(let source, let destination): [SimulatedWorld.parent(source), SimulatedWorld.parent(destination)]
            }
        }
    }

    struct Inode: Sendable {
        var current: [UInt8] = []
        var durable: [UInt8] = []
        /// Pages that differ, or may.
        var dirty: Set<Int> = []
        var sizeIsDirty = false
    }

    struct Fault: Sendable {
        var first: Int
        var last: Int
        var kind: DiskError.Kind
    }

    var tree: [String: Entry] = ["": .directory]
    private var durableTree: [String: Entry] = ["": .directory]
    private var pending: [Change] = []
    var inodes: [Int: Inode] = [:]
    private var nextInode = 1

    var counts: [DiskOperation: Int] = [:]
    var faults: [DiskOperation: Fault] = [:]
    var quota: Int?
    var isDead = false
    var ignoresSync = false

    static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    var usedBytes: Int {
        tree.values.reduce(0) { sum, entry in
            guard case .file(let id) = entry else { return sum }
            return sum + (inodes[id]?.current.count ?? 0)
        }
    }

    /// Counts a call and lets it fail if its turn has come.
    mutating func count(_ operation: DiskOperation, _ path: String) throws(DiskError) {
        if isDead { throw DiskError(.inputOutput, operation: operation.rawValue, path: path) }
        let number = (counts[operation] ?? 0) + 1
        counts[operation] = number
        if let fault = faults[operation], number >= fault.first, number <= fault.last {
            throw DiskError(fault.kind, operation: operation.rawValue, path: path)
        }
    }

    // MARK: Tree

    mutating func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> Int {
        if case .file(let id)? = tree[path] {
            if mode == .createNew { throw DiskError(.alreadyExists, operation: "open", path: path) }
            return id
        }
        guard mode != .existing, tree[path] == nil, tree[SimulatedWorld.parent(path)] == .directory else {
            throw DiskError(.notFound, operation: "open", path: path)
        }
        let id = newInode(Inode())
        change(.create(path, .file(id)))
        return id
    }

    private mutating func newInode(_ inode: Inode) -> Int {
        defer { nextInode += 1 }
        inodes[nextInode] = inode
        return nextInode
    }

    func list(_ directory: String) throws(DiskError) -> [String] {
        guard tree[directory] == .directory else { throw DiskError(.notFound, operation: "list", path: directory) }
        return tree.compactMap { path, entry -> String? in
            guard !path.isEmpty, SimulatedWorld.parent(path) == directory else { return nil }
            let name = directory.isEmpty ? path : String(path.dropFirst(directory.count + 1))
            return entry == .directory ? name + "/" : name
        }.sorted()
    }

    mutating func change(_ change: Change) {
        SimulatedWorld.apply(change, to: &tree)
        pending.append(change)
    }

    mutating func syncDirectory(_ path: String) {
        var left: [Change] = []
        for change in pending {
            if change.directories.contains(path) { SimulatedWorld.apply(change, to: &durableTree) } else { left.append(change) }
        }
        pending = left
    }

    /// Applies a change if the tree has what it needs.
    private static func apply(_ change: Change, to tree: inout [String: Entry]) {
        switch change {
        case .create(let path, let entry):
            if tree[parent(path)] == .directory { tree[path] = entry }
        case .remove(let path):
            // A directory is empty when it is removed; what crashed before its own removal was durable goes with it.
            for entry in tree.keys where entry == path || entry.hasPrefix(path + "/") { tree[entry] = nil }
        case .rename(let source, let destination):
            guard tree[source] != nil, tree[parent(destination)] == .directory else { return }
            for (path, entry) in tree where path == source || path.hasPrefix(source + "/") {
                tree[path] = nil
                tree[destination + path.dropFirst(source.count)] = entry
            }
        }
    }

    mutating func set(_ path: String, to bytes: [UInt8]?) {
        guard let bytes else {
            tree[path] = nil
            durableTree[path] = nil
            return
        }
        var prefix = ""
        for part in path.split(separator: "/").dropLast() {
            prefix += prefix.isEmpty ? String(part) : "/\(part)"
            tree[prefix] = .directory
            durableTree[prefix] = .directory
        }
        let id = newInode(Inode(current: bytes, durable: bytes))
        tree[path] = .file(id)
        durableTree[path] = .file(id)
    }

    // MARK: Content

    func read(_ id: Int, at offset: UInt64, count: Int) -> ArraySlice<UInt8> {
        guard let inode = inodes[id], let start = Int(exactly: offset), start < inode.current.count else { return [] }
        return inode.current[start..<min(inode.current.count, start + count)]
    }

    /// Writes; a call that is to fail, and one that exceeds the quota, writes a part before it throws.
    mutating func write(_ bytes: [UInt8], to id: Int, at offset: UInt64, _ path: String) throws(DiskError) {
        do throws(DiskError) {
            try count(.write, path)
        } catch {
            if !isDead { put(bytes.prefix(bytes.count / 2), into: id, at: Int(clamping: offset)) }
            throw error
        }
        let start = Int(clamping: offset)
        let growth = max(0, start + bytes.count - (inodes[id]?.current.count ?? 0))
        let room = quota.map { max(0, $0 - usedBytes) } ?? .max
        if growth > room {
            put(bytes.prefix(max(0, bytes.count - (growth - room))), into: id, at: start)
            throw DiskError(.noSpace, operation: "write", path: path)
        }
        put(bytes[...], into: id, at: start)
    }

    private mutating func put(_ bytes: ArraySlice<UInt8>, into id: Int, at start: Int) {
        guard !bytes.isEmpty, inodes[id] != nil else { return }
        let end = start + bytes.count
        if let count = inodes[id]?.current.count, end > count { truncate(id, to: end) }
        inodes[id]?.current.replaceSubrange(start..<end, with: bytes)
        inodes[id]?.dirty.formUnion(start / SimulatedWorld.pageSize...(end - 1) / SimulatedWorld.pageSize)
    }

    mutating func truncate(_ id: Int, to size: Int) {
        guard let count = inodes[id]?.current.count else { return }
        if size > count {
            inodes[id]?.current.append(contentsOf: repeatElement(0, count: size - count))
        } else {
            inodes[id]?.current.removeLast(count - size)
        }
        // The page in which the file ends, or ended, has changed: what is past the end reads as zeros.
        inodes[id]?.dirty.insert(min(size, count) / SimulatedWorld.pageSize)
        inodes[id]?.sizeIsDirty = true
    }

    mutating func sync(_ id: Int) {
        guard !ignoresSync, var inode = inodes.removeValue(forKey: id) else { return }
        // Writing a page out also makes the file as long as to hold it.
        let reach = inode.dirty.max().map { min(inode.current.count, ($0 + 1) * SimulatedWorld.pageSize) } ?? 0
        inode.apply(inode.dirty, size: inode.sizeIsDirty ? inode.current.count : max(reach, inode.durable.count))
        inode.dirty = []
        inode.sizeIsDirty = false
        inodes[id] = inode
    }

    /// What a failed sync leaves: the pages are called clean and were never written.
    mutating func dropDirtyPages(_ id: Int) {
        inodes[id]?.dirty = []
        inodes[id]?.sizeIsDirty = false
    }

    // MARK: Crash

    /// The same content, all of it durable.
    func settled() -> SimulatedWorld {
        var next = SimulatedWorld()
        next.nextInode = nextInode
        next.quota = quota
        next.tree = tree
        next.durableTree = tree
        next.inodes = inodes.mapValues { Inode(current: $0.current, durable: $0.current) }
        return next
    }

    func afterCrash(_ survival: Survival) -> SimulatedWorld {
        var next = SimulatedWorld()
        next.nextInode = nextInode
        next.quota = quota
        switch survival {
        case .everything:
            // The system lives on: what was not synced is still not synced.
            next = self
            next.counts = [:]
            next.faults = [:]
            return next
        case .nothing:
            next.tree = durableTree
            next.inodes = inodes.mapValues { Inode(current: $0.durable, durable: $0.durable) }
        case .some(let seed):
            var random = SeededGenerator(seed: seed)
            next.tree = durableTree
            for change in pending where Bool.random(using: &random) { SimulatedWorld.apply(change, to: &next.tree) }
            for id in inodes.keys.sorted() {
                guard var inode = inodes[id] else { continue }
                let size = inode.sizeIsDirty && Bool.random(using: &random) ? inode.current.count : inode.durable.count
                let chance = Int.random(in: 0...4, using: &random)
                inode.apply(Set(inode.dirty.sorted().filter { _ in Int.random(in: 0..<4, using: &random) < chance }), size: size)
                next.inodes[id] = Inode(current: inode.durable, durable: inode.durable)
            }
        }
        next.durableTree = next.tree
        return next
    }
}

extension SimulatedWorld.Inode {
    /// Makes pages durable, and the size.
    mutating func apply(_ pages: Set<Int>, size: Int) {
        let page = SimulatedWorld.pageSize
        if size > durable.count {
            durable.append(contentsOf: repeatElement(0, count: size - durable.count))
        } else {
            durable.removeLast(durable.count - size)
        }
        for number in pages {
            let end = min((number + 1) * page, size, current.count)
            if number * page < end { durable.replaceSubrange(number * page..<end, with: current[number * page..<end]) }
        }
    }
}
