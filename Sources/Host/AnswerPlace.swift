/// Where answers are given: an event loop, or the pool of tasks. Who answers many callers of one place wakes it once.

/// Runs work soon, in order, in one place: an event loop. A commit that completes many appends of one place wakes it once.
///
/// Appends belong to the same place when the same instance was given.
public protocol AnswerPlace: AnyObject, Sendable {
    /// Runs `work` soon and after all work that was given before. Does not wait for it; may be called by any thread.
    func run(_ work: @escaping @Sendable () -> Void)
    /// Whether the calling thread is the place's own and has nothing else to do before the answer: it may then do the commit itself, which
    /// blocks it for as long as a sync takes.
    var mayCommit: Bool { get }
}

extension AnswerPlace {
    public var mayCommit: Bool { false }
}

/// The pool of Swift's tasks, for callers that await: one task resumes all whom a commit answers.
public final class TaskPool: AnswerPlace {
    public static let shared = TaskPool()
    private init() {}

    /// Unlike other places it keeps no order between one piece of work and the next.
    public func run(_ work: @escaping @Sendable () -> Void) { Task.detached { work() } }
}
