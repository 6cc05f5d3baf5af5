/// What the simulated disk holds and what it was told to do wrong; used under the disk's lock.

internal import Host

/// Files, names, counts and faults.
struct SimulatedWorld: Sendable {
    private(set) var tree = DurableTree()
    /// By number; a file that has no name any more stays, for it may be open.
    private(set) var inodes: [SimulatedInode] = []

    private(set) var counts = [Int](repeating: 0, count: DiskOperation.allCases.count)
    var faults: [(operation: DiskOperation, fault: DiskFault)] = []
    var readFlips: [ReadFlip] = []
    var powerCut: PowerCut?
    /// Decides how much of a write that fails was written; nil: half of it, and nothing of a sync.
    var tearing: SeededGenerator?
    var quota: Int?
    var isDead = false
    var ignoresSync = false
    var hook: (@Sendable (DiskOperation, String) -> Void)?
    var mistakes: (@Sendable (DiskCall) -> DiskMistake?)?
    /// A sync that a mistake has put off.
    var postponed: (file: Int, path: String)?
    var misuses: [String] = []
    var digest: DiskDigest?
    /// Faults that took effect.
    private(set) var injected = 0
    /// Calls that failed by order, by operation.
    private(set) var failures = [Int](repeating: 0, count: DiskOperation.allCases.count)
    /// Calls that change something.
    private(set) var changes = 0

    /// Whether an operation is carried out.
    private enum Course {
        case whole
        case fails(DiskError)
        /// The power goes in the middle of it.
        case dies(DiskError)
    }

    private mutating func course(_ operation: DiskOperation, _ path: String, changes isChange: Bool = true) -> Course {
        if isDead { return .fails(DiskError(.inputOutput, operation: operation.rawValue, path: path)) }
        counts[operation.index] += 1
        let number = counts[operation.index]
        if isChange {
            changes += 1
            digest?.add(operation, path)
        }
        if var cut = powerCut, cut.operation.map({ $0 == operation }) ?? isChange {
            if cut.remaining == 0 {
                isDead = true
                injected += 1
                return .dies(DiskError(.inputOutput, operation: operation.rawValue, path: path))
            }
            cut.remaining -= 1
            powerCut = cut
        }
        for (failing, fault) in faults where failing == operation && number >= fault.first && number <= fault.last {
            injected += 1
            failures[operation.index] += 1
            return .fails(DiskError(fault.kind, operation: operation.rawValue, path: path))
        }
        return .whole
    }

    /// For an operation that is done or not done: one in which the power goes may be either.
    private mutating func atomically(
        _ operation: DiskOperation, _ path: String, _ body: (inout SimulatedWorld) throws(DiskError) -> Void
    ) throws(DiskError) {
        switch course(operation, path) {
        case .whole: try body(&self)
        case .fails(let error): throw error
        case .dies(let error):
            if toss() { try body(&self) }
            throw error
        }
    }

    private mutating func toss() -> Bool { (tearing?.next() ?? 0) % 2 == 1 }

    /// How much of a write that does not succeed gets written: up to any byte, or in whole sectors.
    private mutating func prefix(of count: Int) -> Int {
        guard var random = tearing else { return count / 2 }
        defer { tearing = random }
        // All of it, too: the error comes afterwards.
        if random.next() % 8 == 0 { return count }
        let bytes = Int(random.next() % UInt64(count + 1))
        return random.next() % 2 == 0 ? bytes : bytes / SimulatedInode.sectorSize * SimulatedInode.sectorSize
    }

    func count(_ operation: DiskOperation) -> Int { counts[operation.index] }

    var usedBytes: Int { tree.current.files.reduce(0) { $0 + inodes[$1.file].current.count } }

    // MARK: Names

    mutating func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> Int {
        let entry = tree.current[path]
        var isMade = true
        if case .file = entry { isMade = mode == .createNew }
        if mode == .existing { isMade = false }
        switch course(.open, path, changes: isMade) {
        case .whole: break
        case .fails(let error): throw error
        case .dies(let error):
            if isMade, entry == nil, toss() { _ = try create(path) }
            throw error
        }
        if case .file(let id)? = entry {
            if mode == .createNew { throw DiskError(.alreadyExists, operation: "open", path: path) }
            return id
        }
        guard mode != .existing, entry == nil else { throw DiskError(.notFound, operation: "open", path: path) }
        return try create(path)
    }

    private mutating func create(_ path: String) throws(DiskError) -> Int {
        guard tree.current.isDirectory(DirectoryTree.parent(path)) else {
            throw DiskError(.notFound, operation: "open", path: path)
        }
        inodes.append(SimulatedInode())
        tree.change(.create(path, .file(inodes.count - 1)))
        return inodes.count - 1
    }

    mutating func list(_ directory: String) throws(DiskError) -> [String] {
        if case .fails(let error) = course(.list, directory, changes: false) { throw error }
        guard let names = tree.current.list(directory) else { throw DiskError(.notFound, operation: "list", path: directory) }
        return names
    }

    mutating func createDirectory(_ path: String) throws(DiskError) {
        try atomically(.createDirectory, path) { world throws(DiskError) in
            var prefix = ""
            for part in path.split(separator: "/") {
                prefix += prefix.isEmpty ? String(part) : "/\(part)"
                if world.tree.current[prefix] == nil { world.tree.change(.create(prefix, .directory)) }
            }
        }
    }

    mutating func rename(_ source: String, to destination: String) throws(DiskError) {
        try atomically(.rename, source) { world throws(DiskError) in
            world.digest?.add(path: destination)
            guard world.tree.current[source] != nil else { throw DiskError(.notFound, operation: "rename", path: source) }
            guard world.tree.current.isDirectory(DirectoryTree.parent(destination)) else {
                throw DiskError(.notFound, operation: "rename", path: destination)
            }
            world.tree.change(.rename(source, destination))
        }
    }

    mutating func remove(_ path: String) throws(DiskError) {
        try atomically(.remove, path) { world throws(DiskError) in
            guard world.tree.current[path] != nil else { throw DiskError(.notFound, operation: "remove", path: path) }
            guard world.tree.current.list(path)?.isEmpty ?? true else {
                throw DiskError(.other(errno: 39), operation: "remove", path: path)
            }
            world.tree.change(.remove(path))
        }
    }

    mutating func syncDirectory(_ path: String) throws(DiskError) {
        try atomically(.syncDirectory, path) { world throws(DiskError) in
            guard world.tree.current.isDirectory(path) else {
                throw DiskError(.notFound, operation: "syncDirectory", path: path)
            }
            world.tree.sync(path)
        }
    }

    // MARK: Content

    mutating func read(_ id: Int, _ path: String, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError)
        -> Int
    {
        if case .fails(let error) = course(.read, path, changes: false) { throw error }
        let count = inodes[id].current.withUnsafeBytes { bytes -> Int in
            guard let start = Int(exactly: offset), start < bytes.count, let source = bytes.baseAddress else { return 0 }
            let count = min(buffer.count, bytes.count - start)
            if count > 0 { buffer.baseAddress?.copyMemory(from: source.advanced(by: start), byteCount: count) }
            return count
        }
        if count > 0, let flip = readFlips.first(where: { $0.call == counts[DiskOperation.read.index] }) {
            let bit = Int(flip.bit % UInt64(count * 8))
            buffer[bit / 8] ^= 1 << UInt8(bit % 8)
            injected += 1
        }
        return count
    }

    /// Writes; a call that fails, one that exceeds the quota, and one in which the power goes write a part before they throw.
    mutating func write(_ bytes: UnsafeRawBufferPointer, to id: Int, at offset: UInt64, _ path: String) throws(DiskError) {
        let start = Int(clamping: offset)
        let course = course(.write, path)
        digest?.add(bytes, at: offset)
        switch course {
        case .whole: break
        case .fails(let error) where counts[DiskOperation.write.index] == 0 || isDead: throw error
        case .fails(let error), .dies(let error):
            inodes[id].put(UnsafeRawBufferPointer(rebasing: bytes.prefix(prefix(of: bytes.count))), at: start)
            throw error
        }
        if let quota {
            let growth = max(0, start + bytes.count - inodes[id].current.count)
            let room = max(0, quota - usedBytes)
            if growth > room {
                inodes[id].put(UnsafeRawBufferPointer(rebasing: bytes.prefix(max(0, bytes.count - (growth - room)))), at: start)
                injected += 1
                throw DiskError(.noSpace, operation: "write", path: path)
            }
        }
        inodes[id].put(bytes, at: start)
    }

    mutating func truncate(_ id: Int, to size: UInt64, _ path: String) throws(DiskError) {
        try atomically(.truncate, path) { world throws(DiskError) in
            world.digest?.add(size)
            world.inodes[id].truncate(to: Int(clamping: size))
        }
    }

    mutating func sync(_ id: Int, _ path: String) throws(DiskError) {
        switch course(.sync, path) {
        case .whole: if !ignoresSync { inodes[id].sync() }
        case .fails(let error):
            if !isDead {
                if tearing != nil, toss(), var random = tearing {
                    inodes[id].syncPartly(&random)
                    tearing = random
                } else {
                    inodes[id].dropDirtyPages()
                }
            }
            throw error
        case .dies(let error): throw error
        }
    }

    // MARK: From outside

    /// Puts a file there, durably, or with nil removes it.
    mutating func set(_ path: String, to bytes: [UInt8]?) {
        guard let bytes else { return tree.set(path, nil) }
        inodes.append(SimulatedInode(settled: bytes))
        tree.set(path, .file(inodes.count - 1))
    }

    /// Changes a file's content, durably. Returns whether there is such a file.
    mutating func damage(_ path: String, _ body: (inout [UInt8]) -> Void) -> Bool {
        guard case .file(let id)? = tree.current[path] else { return false }
        inodes[id].damage(body)
        return true
    }

    /// Exchanges the content of two files, durably.
    mutating func swap(_ one: String, _ other: String) {
        guard case .file(let first)? = tree.current[one], case .file(let second)? = tree.current[other] else { return }
        tree.set(one, .file(second))
        tree.set(other, .file(first))
    }

    // MARK: Crash

    private func successor(_ tree: DirectoryTree, _ inodes: [SimulatedInode]) -> SimulatedWorld {
        var next = SimulatedWorld()
        next.quota = quota
        next.digest = digest
        next.tree = DurableTree(settled: tree)
        next.inodes = inodes
        return next
    }

    /// The same content, all of it durable.
    func settled() -> SimulatedWorld {
        successor(tree.current, inodes.map { SimulatedInode(settled: $0.current) })
    }

    func afterCrash(_ survival: Survival) -> SimulatedWorld {
        switch survival {
        case .everything:
            // The system lives on: what was not synced is still not synced.
            var next = successor(tree.current, inodes)
            next.tree = tree
            return next
        case .nothing:
            return successor(tree.durable, inodes.map { SimulatedInode(settled: $0.durable) })
        case .some(let seed): return afterPowerCut(seed, bySector: false)
        case .sectors(let seed): return afterPowerCut(seed, bySector: true)
        }
    }

    private func afterPowerCut(_ seed: UInt64, bySector: Bool) -> SimulatedWorld {
        var random = SeededGenerator(seed: seed)
        let tree = tree.surviving(&random)
        return successor(tree, inodes.map { $0.surviving(&random, bySector: bySector) })
    }
}
