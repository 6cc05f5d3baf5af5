/// Fences: who may append on behalf of an owner.

/// Proof of who may append on behalf of an owner: the newest epoch claimed wins, older ones are refused.
public struct Fence: Hashable, Sendable, Codable {
    /// Such as `application/weather`.
    public var owner: String
    public var epoch: UInt64
    public init(owner: String, epoch: UInt64) {
        self.owner = owner
        self.epoch = epoch
    }
}

/// Hands out epochs, of which only an owner's newest may append.
public protocol Fences: Sendable {
    /// Claims the next epoch of an owner, durably; appends under earlier ones are refused from now on, and those in flight have ended
    /// when it returns: what the new owner then reads is all that the earlier ones will ever have appended.
    func claim(owner: String) async throws(StoreError) -> Fence
}
