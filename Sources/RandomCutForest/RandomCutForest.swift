/// A random cut forest over a stream of records: scores each against what it has learnt, then learns it.
///
/// Source: Guha, Mishra, Roy and Schrijvers, "Robust Random Cut Forest Based Anomaly Detection On Streams", ICML 2016. A value type:
/// copies are independent, and taking one is cheap until either is changed. One seed and one input give the same scores to the bit on every
/// machine, also across a snapshot.
public struct RandomCutForest: @unchecked Sendable {
    // Unchecked: the storage is changed only after it is found to be, or made, this value's alone; reading uses no shared scratch memory.
    private(set) var storage: ForestStorage

    /// The largest magnitude of a value that a record may hold. Trees hold values in single precision, as the reference library does: seven
    /// digits, and magnitudes above 1e30 are all alike. Data whose interest lies beyond the seventh digit, as with times since 1970, should
    /// have a constant subtracted first.
    public static let largestMagnitude = 1e300

    /// An empty forest.
    /// - Parameters:
    ///   - parameters: how it is built and forgets.
    ///   - dimensions: number of numeric columns of a record, 1 to 30 in SQL mode. Together with the shingle they make one point.
    ///   - seed: names the random streams.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)``.
    public init(parameters: ForestParameters, dimensions: Int, seed: UInt64) throws(ForestError) {
        try parameters.validate(columns: dimensions)
        storage = ForestStorage(parameters: parameters, columns: dimensions, seed: seed)
    }

    init(storage: ForestStorage) { self.storage = storage }

    /// The parameters; ``setTimeDecay(_:)`` is the only one that changes.
    public var parameters: ForestParameters { storage.parameters }
    /// The scale of the scores.
    public var mode: ScoreMode { storage.parameters.mode }
    /// Number of numeric columns of a record.
    public var dimensions: Int { storage.columns }
    /// Number of records learnt so far.
    public var recordCount: Int { storage.records }
    /// Whether the next record gets a score; the records before it score 0.
    public var isReady: Bool { storage.isReady }

    /// How many threads share the work of one record, 1 to 64; at first 1. Scores are the same to the bit with any number. Records whose
    /// work is too short to be shared (some 60 µs; 500 trees of one column) stay on the caller's thread. Not part of a snapshot. Each
    /// copy of the forest that is changed has threads of its own; they look for work for some microseconds after each record and
    /// sleep then.
    public var threads: Int {
        get { storage.threads }
        set {
            makeUnique()
            storage.setThreads(min(max(newValue, 1), 64))
        }
    }

    /// The memory that the forest occupies now, in bytes, without the allocator's own.
    public var memory: Int { storage.bytes }

    /// Scores a record, then learns it.
    /// - Parameter record: its columns.
    /// - Returns: the score, at least 0; ordinary records score about 0.6 to 1.2, the strangest lg(sample size + 1). 0 while not
    ///   ``isReady``.
    /// - Throws: ``ForestError/wrongColumnCount(expected:found:)`` or ``ForestError/unusableValue(column:value:)``; the forest is then
    ///   as before.
    public mutating func scoreAndLearn(_ record: UnsafeBufferPointer<Double>) throws(ForestError) -> Double {
        try check(record)
        makeUnique()
        return storage.take(record, scoring: true)
    }

    /// Scores a record, then learns it; see ``scoreAndLearn(_:)-(UnsafeBufferPointer<Double>)``.
    public mutating func scoreAndLearn(_ record: [Double]) throws(ForestError) -> Double {
        try record.withUnsafeBufferPointer { record throws(ForestError) in try scoreAndLearn(record) }
    }

    /// Learns a record without scoring it. Throws as ``scoreAndLearn(_:)-(UnsafeBufferPointer<Double>)`` does.
    public mutating func learn(_ record: UnsafeBufferPointer<Double>) throws(ForestError) {
        try check(record)
        makeUnique()
        _ = storage.take(record, scoring: false)
    }

    /// Learns a record without scoring it.
    public mutating func learn(_ record: [Double]) throws(ForestError) {
        try record.withUnsafeBufferPointer { record throws(ForestError) in try learn(record) }
    }

    /// The score of a record as if it came next, without learning it.
    /// - Throws: ``ForestError/wrongColumnCount(expected:found:)`` or ``ForestError/unusableValue(column:value:)``.
    public func score(_ record: [Double]) throws(ForestError) -> Double {
        try record.withUnsafeBufferPointer { record throws(ForestError) in
            try check(record)
            return storage.isReady ? storage.rawScore(record, mode: mode) : 0
        }
    }

    /// The same score on a scale that may be another than the forest's own; without regard to how much has been seen.
    package func score(_ record: [Double], mode: ScoreMode) throws(ForestError) -> Double {
        try record.withUnsafeBufferPointer { record throws(ForestError) in
            try check(record)
            return storage.rawScore(record, mode: mode)
        }
    }

    /// Which columns make a record strange and in which direction; its cells sum to ``score(_:)``.
    /// - Throws: ``ForestError/wrongColumnCount(expected:found:)`` or ``ForestError/unusableValue(column:value:)``.
    public func attribution(_ record: [Double]) throws(ForestError) -> Attribution {
        let cells = storage.dimensions
        var total = [Double](repeating: 0, count: 2 * cells)
        try record.withUnsafeBufferPointer { record throws(ForestError) in
            try check(record)
            guard storage.isReady else { return }
            storage.withQuery(record) { query, _ in storage.attribute(query, to: &total) }
        }
        return Attribution(high: Array(total[..<cells]), low: Array(total[cells...]), columns: storage.columns)
    }

    /// Explains a record, then learns it: ``attribution(_:)``, whose cells sum to the score, and ``learn(_:)-([Double])`` in one call.
    /// - Throws: ``ForestError/wrongColumnCount(expected:found:)`` or ``ForestError/unusableValue(column:value:)``; the forest is then
    ///   as before.
    public mutating func explainAndLearn(_ record: [Double]) throws(ForestError) -> Attribution {
        let explanation = try attribution(record)
        try learn(record)
        return explanation
    }

    /// Changes the rate of forgetting from the next record on; nil never forgets.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)`` outside 1 to 2^31 - 1.
    public mutating func setTimeDecay(_ timeDecay: Int?) throws(ForestError) {
        var changed = storage.parameters
        changed.timeDecay = timeDecay
        try changed.validate(columns: storage.columns)
        makeUnique()
        storage.setTimeDecay(timeDecay)
    }

    /// The whole state in compact bytes; ``init(restoring:)`` reads them, and the restored forest goes on with the same scores to the bit.
    public func snapshot() -> [UInt8] { ForestSnapshot.write(storage) }

    /// The forest that ``snapshot()`` wrote.
    /// - Parameters:
    ///   - bytes: of any origin.
    ///   - memoryLimit: the most that the forest's ``ForestParameters/memoryBound(columns:)`` may be, in bytes. Restoring takes no more than
    ///     about that and the bytes themselves.
    /// - Throws: ``ForestError/unsupportedSnapshot(version:)``, ``ForestError/damagedSnapshot(reason:)`` or
    ///   ``ForestError/invalidParameter(name:value:rule:)`` for bytes that no forest wrote.
    public init(restoring bytes: [UInt8], memoryLimit: Int) throws(ForestError) {
        storage = try ForestSnapshot.read(bytes, memoryLimit: memoryLimit)
    }

    /// The forest that ``snapshot()`` wrote, whatever its size; for bytes that this program wrote itself.
    /// - Throws: as ``init(restoring:memoryLimit:)``.
    public init(restoring bytes: [UInt8]) throws(ForestError) {
        try self.init(restoring: bytes, memoryLimit: .max)
    }

    /// The points in tree number `tree`'s sample.
    package func sample(ofTree tree: Int) -> [[Double]] {
        precondition(tree >= 0 && tree < storage.parameters.trees)
        return (0..<storage.units[tree].sample.count).map { index in
            let point = storage.units[tree].tree.point(of: storage.units[tree].sample.leaf(at: index), in: storage.points)
            return (0..<storage.dimensions).map { Double(point[$0]) }
        }
    }

    private mutating func makeUnique() {
        if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
    }

    private func check(_ record: UnsafeBufferPointer<Double>) throws(ForestError) {
        guard record.count == storage.columns else { throw .wrongColumnCount(expected: storage.columns, found: record.count) }
        for i in 0..<record.count where !(record[i].magnitude <= Self.largestMagnitude) {
            throw .unusableValue(column: i, value: record[i])
        }
    }
}
