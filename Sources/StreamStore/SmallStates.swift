/// Small durable states that change with traffic, by compare-and-set: leases, positions, cuts.

/// The name of a state.
public struct StateKey: Hashable, Sendable, Comparable {
    /// What the state is of, such as `lease`; at most 64 bytes of UTF-8, without a zero byte.
    public var kind: String
    /// At most 128 bytes of UTF-8.
    public var name: String
    public init(_ kind: String, _ name: String) {
        self.kind = kind
        self.name = name
    }
    public static func < (a: Self, b: Self) -> Bool { (a.kind, a.name) < (b.kind, b.name) }
}

/// A state as it stands.
public struct SmallState: Sendable, Hashable {
    /// 1 for a new state; one more with each change. A state that was removed begins anew.
    public var version: UInt64
    public var value: [UInt8]
    public init(version: UInt64, value: [UInt8]) {
        self.version = version
        self.value = value
    }
}

/// A change of a state, which takes place only if nobody changed it since the caller looked.
public struct StateChange: Sendable, Hashable {
    public var key: StateKey
    /// The version that it must have; 0: there must be none.
    public var expected: UInt64
    /// Nil removes it.
    public var value: [UInt8]?
    public init(_ key: StateKey, expected: UInt64, value: [UInt8]?) {
        self.key = key
        self.expected = expected
        self.value = value
    }
}

/// States by key. All of a node's together are small (4 MB): what grows with the users' data is a stream of its own.
public protocol SmallStates: Sendable {
    /// The state as of the last commit; nil when there is none.
    func state(_ key: StateKey) async throws(StoreError) -> SmallState?
    /// Changes states, all or none, durable when it returns.
    /// - Throws: `.conditionFailed(.version)` where one has another version than expected; `.readOnly`, `.overloaded` as appends do.
    func changeStates(_ changes: [StateChange]) async throws(StoreError)
}
