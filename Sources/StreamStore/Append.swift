/// Appends as values, and the ordered way to hand one in: `submit` answers by callback where the caller works.

/// An append: batches for one or several shards, all or nothing, under a fence and a condition if there are any.
public struct Append: Sendable {
    public var entries: [ShardAppend]
    /// Proof of who may append on behalf of an owner; checked when the append is handed in.
    public var fence: Fence?
    /// Decided inside the commit, after every append that was handed in before.
    public var condition: AppendCondition?

    public init(_ entries: [ShardAppend], fence: Fence? = nil, condition: AppendCondition? = nil) {
        self.entries = entries
        self.fence = fence
        self.condition = condition
    }
}

/// What must hold inside the commit for an append to take place: all of its requirements, or nothing is appended.
public struct AppendCondition: Sendable, Hashable {
    /// One thing that must hold.
    public enum Requirement: Sendable, Hashable {
        /// The next record of the shard gets this offset: nobody appended to it since the caller looked.
        case nextOffset(ShardReference, Int64)
    }
    public var requirements: [Requirement]

    public init(_ requirements: [Requirement]) { self.requirements = requirements }
}

/// Runs work soon, in order, in one place: an event loop. A commit that completes many appends of one place wakes it once.
///
/// Appends belong to the same place when the same instance was given.
public protocol AnswerPlace: AnyObject, Sendable {
    /// Runs `work` soon and after all work that was given before. Does not wait for it; may be called by any thread.
    func run(_ work: @escaping @Sendable () -> Void)
}

extension StreamStore {
    /// Appends in the order of the calls: of two submits from one place the first is appended first. Returns at once.
    ///
    /// `answer` is called exactly once, at `place`, with what `append(_:fence:)` would return or throw.
    // Until each store has its own: it answers as promised, but keeps no order.
    public func submit(
        _ append: Append, at place: any AnswerPlace,
        _ answer: @escaping @Sendable (Result<[Appended], StoreError>) -> Void
    ) {
        Task {
            let result: Result<[Appended], StoreError>
            do throws(StoreError) {
                guard append.condition == nil else { throw .failed("this store decides no conditions yet") }
                result = .success(try await self.append(append.entries, fence: append.fence))
            } catch {
                result = .failure(error)
            }
            place.run { answer(result) }
        }
    }
}
