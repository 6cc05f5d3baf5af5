/// One forest per key within a stated memory: idle ones are put away as bytes, the longest idle are forgotten.

import StableHash

/// What ``KeyedForests`` can keep: a model that can be put away as bytes and taken out again, the same to the bit.
public protocol ForestModel: Sendable {
    init(parameters: ForestParameters, dimensions: Int, seed: UInt64) throws(ForestError)
    init(restoring bytes: [UInt8], memoryLimit: Int) throws(ForestError)
    var parameters: ForestParameters { get }
    var dimensions: Int { get }
    func snapshot() -> [UInt8]
}

extension RandomCutForest: ForestModel {}
extension AnomalyDetector: ForestModel {}

/// Forests, or detectors, by key.
///
/// The models used last are awake. Where they would take more than half of the memory, the one used longest ago is put to sleep: only its snapshot is
/// kept, a fraction of its size. When its key comes again it is woken and goes on as if it had never slept. Where all of it would take
/// more than the whole memory, or there are more keys than allowed, the key used longest ago is forgotten: should it come again, it begins
/// anew as an empty model. ``forgottenKeys`` counts these.
///
/// What a key's model says depends on the seed, the key and its own records, not on other keys (unless it was forgotten), so the order in which
/// keys come and the memory make no difference to a score. Everything is decided by the sequence of keys alone, so that a run can be repeated.
public struct KeyedForests<Model: ForestModel>: Sendable {
    /// The bounds.
    public struct Limits: Sendable, Equatable {
        /// For all models, awake or asleep, with their keys: bytes.
        public var memoryBytes: Int
        /// How many keys are known at once, 1 or more.
        public var keys: Int

        public init(memoryBytes: Int = 512 << 20, keys: Int = 1_000_000) {
            self.memoryBytes = memoryBytes
            self.keys = keys
        }
    }

    private enum State: Sendable {
        case awake(Model)
        case asleep([UInt8])
        /// Its model is in use, or the place is free.
        case none
    }

    /// A key's place in the list from the one used last to the one used longest ago.
    private struct Entry: Sendable {
        var key: [UInt8]
        var state: State
        var newer: Int
        var older: Int
    }

    /// What an entry takes beside its model and the bytes of its key, which are kept twice.
    private static var entryOverhead: Int { 192 }
    private static var nowhere: Int { -1 }

    private let parameters: ForestParameters
    private let dimensions: Int
    private let seed: UInt64
    public let limits: Limits
    /// The most that an awake model takes.
    private let modelBytes: Int
    /// The most models that may be awake.
    public let awakeLimit: Int

    private var places: [[UInt8]: Int] = [:]
    private var entries: [Entry] = []
    private var free: [Int] = []
    private var newest = -1
    private var oldest = -1
    /// Those awake are the `awakeCount` newest; this is the oldest of them.
    private var oldestAwake = -1
    public private(set) var awakeCount = 0
    /// Bytes of all sleeping models and of all keys.
    private var restBytes = 0
    /// How often a key was forgotten.
    public private(set) var forgottenKeys = 0

    /// No forest yet.
    /// - Parameters:
    ///   - parameters: of every forest.
    ///   - dimensions: number of columns of a record.
    ///   - seed: names the random streams; each key has its own.
    ///   - limits: at least two full models must fit in the memory, one awake and one asleep.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)``.
    public init(parameters: ForestParameters, dimensions: Int, seed: UInt64, limits: Limits = Limits()) throws(ForestError) {
        try parameters.validate(columns: dimensions)
        modelBytes = parameters.memoryBound(columns: dimensions)
        guard limits.memoryBytes / 2 >= modelBytes else {
            throw .invalidParameter(
                name: "memoryBytes", value: "\(limits.memoryBytes)",
                rule: "half of it must hold a forest of these parameters, up to \(modelBytes) bytes")
        }
        guard limits.keys >= 1 else {
            throw .invalidParameter(name: "keys", value: "\(limits.keys)", rule: "it must be at least 1")
        }
        self.parameters = parameters
        self.dimensions = dimensions
        self.seed = seed
        self.limits = limits
        awakeLimit = max(limits.memoryBytes / 2 / modelBytes, 1)
    }

    /// Number of keys known.
    public var count: Int { places.count }

    /// Upper bound of the memory in use, at most ``Limits/memoryBytes``.
    public var memoryBytes: Int { awakeCount * modelBytes + restBytes }

    /// Whether the key has a model, awake or asleep.
    public func contains(_ key: [UInt8]) -> Bool { places[key] != nil }

    /// Hands `body` the key's model, made or woken where needed, and makes the key the one used last.
    /// - Throws: what `body` throws; ``ForestError/damagedSnapshot(reason:)`` where a model restored by ``init(restoring:parameters:dimensions:seed:limits:)``
    ///   cannot be read.
    public mutating func withModel<Result>(
        of key: [UInt8], _ body: (inout Model) throws(ForestError) -> Result
    ) throws(ForestError) -> Result {
        let place = try waken(key)
        guard case .awake(var model) = entries[place].state else { preconditionFailure("the model was just woken") }
        // Taken out, so that it has one owner and is changed in place.
        entries[place].state = .none
        defer { entries[place].state = .awake(model) }
        return try body(&model)
    }

    // MARK: The list

    /// The place of the key, awake and newest.
    private mutating func waken(_ key: [UInt8]) throws(ForestError) -> Int {
        if let place = places[key] {
            switch entries[place].state {
            case .awake:
                unlink(place)
            case .asleep(let bytes):
                let model = try restored(bytes)
                unlink(place)
                restBytes -= bytes.count
                entries[place].state = .awake(model)
                awakeCount += 1
            case .none: preconditionFailure("a model is in use twice")
            }
            linkNewest(place)
            keepWithinLimits()
            return place
        }
        let model = try Model(parameters: parameters, dimensions: dimensions, seed: seed(of: key))
        let place = add(key, .awake(model))
        awakeCount += 1
        keepWithinLimits()
        return place
    }

    private func restored(_ bytes: [UInt8]) throws(ForestError) -> Model {
        let model = try Model(restoring: bytes, memoryLimit: modelBytes)
        guard model.parameters == parameters, model.dimensions == dimensions else {
            throw .damagedSnapshot(reason: "a key's forest has other parameters")
        }
        return model
    }

    /// Each key has random streams of its own: FNV-1a of its bytes, spread over the seed.
    private func seed(of key: [UInt8]) -> UInt64 {
        var spread = SplitMix64(state: seed ^ snapshotChecksum(key[...]))
        return spread.next()
    }

    private mutating func add(_ key: [UInt8], _ state: State) -> Int {
        let entry = Entry(key: key, state: state, newer: Self.nowhere, older: Self.nowhere)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            entries[place] = entry
        } else {
            place = entries.count
            entries.append(entry)
        }
        places[key] = place
        restBytes += 2 * key.count + Self.entryOverhead
        linkNewest(place)
        return place
    }

    private mutating func linkNewest(_ place: Int) {
        entries[place].newer = Self.nowhere
        entries[place].older = newest
        if newest != Self.nowhere { entries[newest].newer = place }
        newest = place
        if oldest == Self.nowhere { oldest = place }
        if oldestAwake == Self.nowhere { oldestAwake = place }
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (entries[place].newer, entries[place].older)
        if newer != Self.nowhere { entries[newer].older = older } else { newest = older }
        if older != Self.nowhere { entries[older].newer = newer } else { oldest = newer }
        if oldestAwake == place { oldestAwake = newer }
    }

    /// Puts to sleep and forgets what is beyond the bounds; never the newest.
    private mutating func keepWithinLimits() {
        while awakeCount > awakeLimit { sleep(oldestAwake) }
        while count > 1, count > limits.keys || memoryBytes > limits.memoryBytes { forget(oldest) }
    }

    private mutating func sleep(_ place: Int) {
        guard case .awake(let model) = entries[place].state else { preconditionFailure("only what is awake can go to sleep") }
        // Copied, for the array that a writer fills has room to spare.
        let bytes = model.snapshot().withUnsafeBufferPointer { Array($0) }
        entries[place].state = .asleep(bytes)
        oldestAwake = entries[place].newer
        awakeCount -= 1
        restBytes += bytes.count
    }

    private mutating func forget(_ place: Int) {
        switch entries[place].state {
        case .awake: awakeCount -= 1
        case .asleep(let bytes): restBytes -= bytes.count
        case .none: preconditionFailure("a model in use is not forgotten")
        }
        unlink(place)
        let key = entries[place].key
        restBytes -= 2 * key.count + Self.entryOverhead
        places[key] = nil
        entries[place] = Entry(key: [], state: .none, newer: Self.nowhere, older: Self.nowhere)
        free.append(place)
        forgottenKeys += 1
    }

    // MARK: Snapshots

    private static var magic: [UInt8] { [0x4D, 0x52, 0x43, 0x4B] }
    private static var version: UInt8 { 1 }

    /// All models with their order of use, format 1: "MRCK", version, the count of keys forgotten, of keys, and of those awake; per key, the one
    /// used longest ago first, the lengths of key and model and both; a checksum.
    public func snapshot() -> [UInt8] {
        var pieces = snapshotPieces()
        return pieces.next(bytes: .max) ?? []
    }

    /// The bytes of ``snapshot()`` one after the other, of the forests as they are now, whatever becomes of them meanwhile.
    public func snapshotPieces() -> SnapshotPieces { SnapshotPieces(self) }

    /// A snapshot that is written piece by piece.
    public struct SnapshotPieces: Sendable {
        /// A copy, which takes memory only for what changes.
        private let forests: KeyedForests
        private var place: Int
        private var checksum = FNV1a()
        private var isBegun = false
        private var isEnded = false

        fileprivate init(_ forests: KeyedForests) {
            self.forests = forests
            place = forests.oldest
        }

        /// The next bytes, `bytes` or a little more until the end; nil after it.
        public mutating func next(bytes: Int) -> [UInt8]? {
            if isEnded { return nil }
            var writer = SnapshotWriter()
            if !isBegun { forests.writeHead(to: &writer) }
            isBegun = true
            while place != KeyedForests.nowhere, writer.bytes.count < bytes {
                forests.write(place, to: &writer)
                place = forests.entries[place].newer
            }
            checksum.add(writer.bytes)
            if place == KeyedForests.nowhere {
                isEnded = true
                writer.word(checksum.value)
            }
            return writer.bytes
        }
    }

    private func writeHead(to writer: inout SnapshotWriter) {
        for byte in Self.magic { writer.byte(byte) }
        writer.byte(Self.version)
        writer.count(forgottenKeys)
        writer.count(count)
        writer.count(awakeCount)
    }

    private func write(_ place: Int, to writer: inout SnapshotWriter) {
        let entry = entries[place]
        let bytes =
            switch entry.state {
            case .awake(let model): model.snapshot()
            case .asleep(let bytes): bytes
            case .none: preconditionFailure("a model is in use")
            }
        writer.count(entry.key.count)
        writer.append(entry.key)
        writer.count(bytes.count)
        writer.append(bytes)
    }

    /// What ``snapshot()`` wrote. Those that were awake are awake again, so that it goes on as it would have; other limits than before are
    /// kept to at once.
    /// - Throws: ``ForestError/unsupportedSnapshot(version:)``, ``ForestError/damagedSnapshot(reason:)`` or
    ///   ``ForestError/invalidParameter(name:value:rule:)``. A sleeping model is read only when its key comes.
    public init(
        restoring bytes: [UInt8], parameters: ForestParameters, dimensions: Int, seed: UInt64, limits: Limits = Limits()
    ) throws(ForestError) {
        try self.init(parameters: parameters, dimensions: dimensions, seed: seed, limits: limits)
        let header = Self.magic.count + 1
        guard bytes.count >= header + 8, bytes.starts(with: Self.magic) else {
            throw .damagedSnapshot(reason: "it does not begin as keyed forests'")
        }
        guard bytes[header - 1] == Self.version else { throw .unsupportedSnapshot(version: bytes[header - 1]) }
        let body = bytes[..<(bytes.count - 8)]
        var last = SnapshotReader(bytes[(bytes.count - 8)...])
        guard try last.word() == snapshotChecksum(body) else {
            throw .damagedSnapshot(reason: "the checksum of keyed forests is wrong")
        }
        var reader = SnapshotReader(body[header...])
        forgottenKeys = try reader.count(upTo: .max)
        let keys = try reader.count(upTo: reader.remaining)
        let awake = try reader.count(upTo: keys)
        for index in 0..<keys {
            let key = try reader.bytes(try reader.count(upTo: reader.remaining))
            let model = try reader.bytes(try reader.count(upTo: reader.remaining))
            guard places[key] == nil else { throw .damagedSnapshot(reason: "a key appears twice") }
            if index >= keys - awake {
                _ = add(key, .awake(try restored(model)))
                awakeCount += 1
            } else {
                _ = add(key, .asleep(model))
                // Nothing is awake yet.
                oldestAwake = Self.nowhere
                restBytes += model.count
            }
            keepWithinLimits()
        }
        guard reader.remaining == 0 else { throw .damagedSnapshot(reason: "it goes on after its end") }
    }
}

extension SnapshotWriter {
    fileprivate mutating func append(_ bytes: [UInt8]) {
        for value in bytes { byte(value) }
    }
}

extension SnapshotReader {
    fileprivate mutating func bytes(_ count: Int) throws(ForestError) -> [UInt8] {
        guard count <= remaining else { throw .damagedSnapshot(reason: "it ends too early") }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        for _ in 0..<count { result.append(try byte()) }
        return result
    }
}
