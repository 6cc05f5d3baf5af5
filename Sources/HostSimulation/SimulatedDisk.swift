/// A disk in memory that knows what was synced: it can lose the rest, fill up, tear writes, and fail any operation.

public import Host
internal import Synchronization

/// A simulated disk. Calls are counted by kind; `fail` makes the Nth one fail.
///
/// A sync that fails behaves as on Linux: what was to be written is dropped, and a later sync succeeds without it.
/// What is random is decided by seeds that are passed in, so the same calls give the same disk.
public final class SimulatedDisk: Disk {
    public typealias File = SimulatedFile

    let world: Mutex<SimulatedWorld>

    public init() {
        world = Mutex(SimulatedWorld())
    }

    init(_ world: SimulatedWorld) {
        self.world = Mutex(world)
    }

    // MARK: Faults

    /// Lets an operation fail: the `nth` from now on (1 is the next), `times` in a row, and with `onwards` all later ones of the kind.
    /// Several orders may stand at once.
    public func fail(
        _ operation: DiskOperation, nth: Int, with kind: DiskError.Kind = .inputOutput, onwards: Bool = false, times: Int = 1
    ) {
        world.withLock { world in
            let first = world.count(operation) + nth
            let last = onwards ? Int.max : first + times - 1
            world.faults.append((operation, DiskFault(first: first, last: last, kind: kind)))
        }
    }

    /// Lets the `nth` read from now on give one bit wrong.
    public func flipBit(inRead nth: Int, bit: UInt64) {
        world.withLock { $0.readFlips.append(ReadFlip(call: $0.count(.read) + nth, bit: bit)) }
    }

    /// Lets the power go in the middle of a call: the `nth` from now on of that operation, or of all that change something.
    /// A prefix of a write is written, any other change is made or not. This call and all later ones throw; `crash` tells what is left.
    public func cutPower(in nth: Int, of operation: DiskOperation? = nil) {
        world.withLock { $0.powerCut = PowerCut(operation: operation, remaining: nth - 1) }
    }

    /// Decides how much of a write that fails is written (any prefix, or whole sectors), which pages a failing sync writes, and whether a
    /// change in which the power goes is made. Without a seed: half of the write, no page, no change.
    public func tear(seed: UInt64) {
        world.withLock { $0.tearing = SeededGenerator(seed: seed) }
    }

    /// Takes back all faults but the quota.
    public func heal() {
        world.withLock { world in
            world.faults = []
            world.readFlips = []
            world.powerCut = nil
        }
    }

    /// The bytes that all files together may have; nil for no bound. What does not fit is refused with `.noSpace`, after a part was written.
    public var quota: Int? {
        get { world.withLock { $0.quota } }
        set { world.withLock { $0.quota = newValue } }
    }

    /// A disk that lies: syncs of files succeed and do nothing. For proving that a test would notice.
    public var ignoresSync: Bool {
        get { world.withLock { $0.ignoresSync } }
        set { world.withLock { $0.ignoresSync = newValue } }
    }

    /// Called before each operation with its path, by the thread that asks for it and without a lock: it may use the disk itself.
    public func setHook(_ hook: (@Sendable (DiskOperation, String) -> Void)?) {
        world.withLock { $0.hook = hook }
    }

    /// Lets calls be carried out wrongly, as if their caller had made a mistake: for proving that a test would notice.
    /// - Parameter mistakes: is asked about each write, truncation and sync, one at a time; nil: it is carried out as it is.
    public func setMistakes(_ mistakes: (@Sendable (DiskCall) -> DiskMistake?)?) {
        world.withLock { $0.mistakes = mistakes }
    }

    func mistake(_ call: DiskCall) -> DiskMistake? { world.withLock { $0.mistakes }.flatMap { $0(call) } }

    func announce(_ operation: DiskOperation, _ path: String) {
        if let hook = world.withLock({ $0.hook }) { hook(operation, path) }
    }

    /// Ends this disk, all of whose calls fail from now on, and returns the one that the next start finds.
    public func crash(keeping survival: Survival) -> SimulatedDisk {
        SimulatedDisk(
            world.withLock { world in
                let next = world.afterCrash(survival)
                world.isDead = true
                return next
            })
    }

    /// A disk with the same content, durable; this one goes on.
    public func copy() -> SimulatedDisk {
        SimulatedDisk(world.withLock { $0.settled() })
    }

    // MARK: What it tells

    /// Whether the power went.
    public var isDead: Bool { world.withLock { $0.isDead } }

    /// Bytes of all files.
    public var usedBytes: Int { world.withLock { $0.usedBytes } }

    /// How often an operation was called.
    public func count(_ operation: DiskOperation) -> Int { world.withLock { $0.count(operation) } }

    /// Calls so far that change something.
    public var changeCount: Int { world.withLock { $0.changes } }

    /// Faults so far that took effect.
    public var injectedFaults: Int { world.withLock { $0.injected } }

    /// Calls of an operation so far that failed by order.
    public func failures(of operation: DiskOperation) -> Int { world.withLock { $0.failures[operation.index] } }

    /// Whether reads, listings or openings can fail by order.
    public var hasReadFaults: Bool {
        world.withLock { world in
            world.isDead || world.faults.contains { $0.operation == .read || $0.operation == .list || $0.operation == .open }
        }
    }

    /// Calls that no real disk would take, in words: direct writes that are not aligned.
    public var misuses: [String] { world.withLock { $0.misuses } }

    /// Keeps a digest of all operations from now on, across crashes as well.
    public func startDigest() {
        world.withLock { $0.digest = DiskDigest() }
    }

    /// The digest, if one is kept.
    public var digest: UInt64? { world.withLock { $0.digest?.value } }

    // MARK: Content, for tests

    /// All files with their current content.
    public var files: [String: [UInt8]] {
        world.withLock { world in
            Dictionary(world.tree.current.files.map { ($0.path, world.inodes[$0.file].current) }) { first, _ in first }
        }
    }

    /// The paths of all files, sorted, and their sizes.
    public var sizes: [(path: String, bytes: Int)] {
        world.withLock { world in world.tree.current.files.map { ($0.path, world.inodes[$0.file].current.count) } }
    }

    /// Shows each file's content, in order of path. The body must not use the disk.
    public func forEachFile(_ body: (String, UnsafeRawBufferPointer) -> Void) {
        world.withLock { world in
            for (path, file) in world.tree.current.files { world.inodes[file].current.withUnsafeBytes { body(path, $0) } }
        }
    }

    /// Puts a file there, durably, or with nil removes it.
    public func set(_ path: String, to bytes: [UInt8]?) {
        world.withLock { $0.set(path, to: bytes) }
    }

    /// Changes a file's content, durably.
    /// - Returns: whether there is such a file.
    @discardableResult
    public func damage(_ path: String, _ body: (inout [UInt8]) -> Void) -> Bool {
        world.withLock { $0.damage(path, body) }
    }

    /// Exchanges the content of two files, durably.
    public func swap(_ one: String, _ other: String) {
        world.withLock { $0.swap(one, other) }
    }

    // MARK: Disk

    public func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> SimulatedFile {
        announce(.open, path)
        let inode = try world.withLock { world throws(DiskError) in try world.open(path, mode) }
        return SimulatedFile(disk: self, inode: inode, path: path, access: access)
    }

    public func list(_ directory: String) throws(DiskError) -> [String] {
        announce(.list, directory)
        return try world.withLock { world throws(DiskError) in try world.list(directory) }
    }

    public func createDirectory(_ path: String) throws(DiskError) {
        announce(.createDirectory, path)
        try world.withLock { world throws(DiskError) in try world.createDirectory(path) }
    }

    public func rename(_ source: String, to destination: String) throws(DiskError) {
        announce(.rename, source)
        try world.withLock { world throws(DiskError) in try world.rename(source, to: destination) }
    }

    public func remove(_ path: String) throws(DiskError) {
        announce(.remove, path)
        try world.withLock { world throws(DiskError) in try world.remove(path) }
    }

    public func syncDirectory(_ path: String) throws(DiskError) {
        announce(.syncDirectory, path)
        if mistake(DiskCall(.syncDirectory, path)) == .leaveOut { return }
        try world.withLock { world throws(DiskError) in try world.syncDirectory(path) }
    }

    public func freeBytes() throws(DiskError) -> UInt64 {
        world.withLock { world in world.quota.map { UInt64(max(0, $0 - world.usedBytes)) } ?? UInt64(1) << 40 }
    }
}
