/// Calls of table functions other than the forests', with their arguments checked.

/// GROUP_RANK: ranks rows of one ROWTIME (SQL Reference, "Group Rank").
public struct GroupRankCall: Sendable, Hashable {
    /// The column that rows are ranked by.
    public var column: Int
    /// Whether the greatest value has rank 1.
    public var ranksDescending: Bool
    /// Whether rows leave by falling rank.
    public var leavesDescending: Bool
    /// How long a group waits for a row of another ROWTIME, milliseconds; 0 for ever.
    public var maxIdle: Int64
    /// How many rows of a group leave; 0 for all.
    public var most: Int
    public init(column: Int, ranksDescending: Bool, leavesDescending: Bool, maxIdle: Int64, most: Int) {
        self.column = column
        self.ranksDescending = ranksDescending
        self.leavesDescending = leavesDescending
        self.maxIdle = maxIdle
        self.most = most
    }
}

/// HOTSPOTS: dense regions among the last rows (SQL Reference, "HOTSPOTS").
public struct HotspotsCall: Sendable, Hashable {
    /// The numeric columns that form the point.
    public var inputs: [Int]
    /// How many rows are looked at.
    public var windowSize: Int
    /// Points at most so far from each other are neighbours.
    public var radius: Double
    /// How many points make a hotspot.
    public var leastPoints: Int
    public init(inputs: [Int], windowSize: Int, radius: Double, leastPoints: Int) {
        self.inputs = inputs
        self.windowSize = windowSize
        self.radius = radius
        self.leastPoints = leastPoints
    }
}
