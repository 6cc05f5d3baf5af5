/// The forest's parameters, their defaults and the ranges they are held to.

/// The scale on which a forest reports its scores.
public enum ScoreMode: UInt8, Sendable {
    /// As the open random cut forest library scores: values of a full leaf are damped, factor lg(mass + 1).
    case library = 0
    /// As the SQL function RANDOM_CUT_FOREST of Kinesis Data Analytics scored: no damping, factor lg(sample size), and the
    /// first sample-size records score 0.
    case kinesisSQL = 1
}

/// How a forest is built and how it forgets.
///
/// Ranges in mode ``ScoreMode/kinesisSQL`` are those of the SQL reference (page RANDOM_CUT_FOREST); that the sample size be below
/// the time decay, which that page also demands, is not enforced, for programs ran without.
public struct ForestParameters: Sendable, Equatable {
    /// Number of trees, 1 to 1000.
    public var trees: Int
    /// Points that each tree holds: 10 to 1000 in SQL mode, 2 to 32767 in library mode.
    public var sampleSize: Int
    /// After how many records (or shingles) a point's weight has fallen to 1/e of a new one's, 1 to 2^31 - 1; nil never forgets.
    public var timeDecay: Int?
    /// Consecutive records that make up one point: 1 to 30 in SQL mode, 1 to 65534 in library mode.
    public var shingleSize: Int
    /// The scale of the scores.
    public var mode: ScoreMode
    /// How much must have been seen before a score other than 0 is given, 0 to 2^53: records in SQL mode, full shingles in library mode.
    /// nil is the mode's default: the sample size in SQL mode, a quarter of it in library mode.
    public var outputAfter: Int?
    /// Up to which part of its sample, above 0 and at most 1, a tree accepts every point while it fills; from there on acceptance
    /// falls linearly.
    public var initialAcceptFraction: Double

    public init(
        trees: Int = 100, sampleSize: Int = 256, timeDecay: Int? = 100_000, shingleSize: Int = 1, mode: ScoreMode = .kinesisSQL,
        outputAfter: Int? = nil, initialAcceptFraction: Double = 1
    ) {
        self.trees = trees
        self.sampleSize = sampleSize
        self.timeDecay = timeDecay
        self.shingleSize = shingleSize
        self.mode = mode
        self.outputAfter = outputAfter
        self.initialAcceptFraction = initialAcceptFraction
    }

    /// The SQL function's defaults: 100 trees, 256 points each, time decay 100000, shingle 1.
    public static let kinesisSQL = ForestParameters()
    /// The library's defaults: 50 trees, 256 points each, decay rate 1/(10 × 256), shingle 1.
    public static let library = ForestParameters(trees: 50, timeDecay: 2_560, mode: .library)

    /// Upper bound of the memory that a forest with these parameters and `columns` columns occupies when full, in bytes.
    /// Meaningful for parameters that pass ``validate(columns:)``; saturates otherwise.
    public func memoryBound(columns: Int) -> Int {
        // Per sampled point: coordinates (their store grows by an eighth), at most three eighths of a box of twice the size (with one
        // column a whole one), and 34 bytes of a node, a leaf, a sample entry and a box's place; per tree its own fields.
        let (dimensions, a) = columns.multipliedReportingOverflow(by: shingleSize)
        let (perPoint, b) = dimensions.multipliedReportingOverflow(by: 9)
        let (samples, c) = trees.multipliedReportingOverflow(by: sampleSize)
        let (bytes, d) = samples.multipliedReportingOverflow(by: perPoint &+ 38)
        let (perTree, e) = trees.multipliedReportingOverflow(by: 512 &+ (dimensions &* 8))
        return a || b || c || d || e || bytes > .max - perTree - 65_536 ? .max : bytes + perTree + 65_536
    }

    /// Checks every parameter for a forest over `columns` numeric columns.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)`` for the first that is out of range.
    public func validate(columns: Int) throws(ForestError) {
        let sql = mode == .kinesisSQL
        try Self.check("numberOfTrees", trees, in: 1...1_000)
        try Self.check("subSampleSize", sampleSize, in: sql ? 10...1_000 : 2...32_767)
        if let timeDecay { try Self.check("timeDecay", timeDecay, in: 1...2_147_483_647) }
        try Self.check("shingleSize", shingleSize, in: sql ? 1...30 : 1...65_534)
        try Self.check("columns", columns, in: sql ? 1...30 : 1...65_534)
        if let outputAfter { try Self.check("outputAfter", outputAfter, in: 0...(1 << 53)) }
        guard initialAcceptFraction > 0, initialAcceptFraction <= 1 else {
            throw .invalidParameter(
                name: "initialAcceptFraction", value: "\(initialAcceptFraction)", rule: "it must be above 0 and at most 1")
        }
        try Self.check("columns × shingleSize", columns * shingleSize, in: 1...65_534)
        // Keeps the memory that a full forest needs below about 4 GB; the SQL function's own maximum is a quarter of that.
        try Self.check(
            "numberOfTrees × subSampleSize × columns × shingleSize", trees * sampleSize * columns * shingleSize, in: 1...(1 << 27))
    }

    private static func check(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(ForestError) {
        guard range.contains(value) else {
            throw .invalidParameter(
                name: name, value: "\(value)", rule: "it must be from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// The rate λ in a point's weight e^(λt).
    var decayRate: Double { timeDecay.map { 1 / Double($0) } ?? 0 }

    /// The number of records (SQL mode) or points (library mode) that go unscored.
    var effectiveOutputAfter: Int { outputAfter ?? (mode == .kinesisSQL ? sampleSize : sampleSize / 4) }
}
