/// What a dataflow refuses.

/// Why a dataflow cannot be made or go on. After `stateTooLarge` and `stopped` every further call throws it again: what it holds is no longer whole.
public enum DataflowError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A plan that the engine cannot run, with the reason.
    case unusablePlan(String)
    /// Rows for a stream that is no input of the dataflow.
    case unknownInput(String)
    /// Rows that do not have the input's columns.
    case wrongColumns(stream: String)
    /// A row's time lies before the clock.
    case timeDecreases(stream: String, rowtime: Int64, clock: Int64)
    /// `finish` was called before.
    case inputEnded
    /// Rows for a table that the program has not, or that do not have its columns, or with which a part of the program fails; in words.
    case table(String)
    /// The groups and rows held exceed the bound.
    case stateTooLarge(bytes: Int, limit: Int)
    /// Whoever drives it wanted it to end, in the middle of a piece.
    case stopped

    public var description: String {
        switch self {
        case .unusablePlan(let reason): "the program cannot be run: \(reason)"
        case .unknownInput(let stream): "\(stream) is not an input stream"
        case .wrongColumns(let stream): "the rows do not have the columns of \(stream)"
        case .timeDecreases(let stream, let rowtime, let clock):
            "a row of \(stream) has ROWTIME \(rowtime), before the clock's \(clock)"
        case .inputEnded: "the input has ended"
        case .table(let reason): reason
        case .stopped: "it was stopped within a piece of input"
        case .stateTooLarge(let bytes, let limit):
            "the state (open windows, held rows, forests) takes \(bytes) bytes, more than the bound of \(limit); use shorter windows, fewer groups, or fewer and smaller forests"
        }
    }
}

/// Why bytes cannot be restored as a dataflow's state. The dataflow must not be used afterwards.
public enum SnapshotError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Written by another version of the engine.
    case unsupportedVersion(Int)
    /// An operator's state has a form that this build does not read.
    case unsupportedState(of: String, version: Int, known: Int)
    /// Cut short, altered or self-contradicting.
    case damaged(String)
    /// Written by a dataflow of another program.
    case otherProgram

    public var description: String {
        switch self {
        case .unsupportedVersion(let version):
            "the snapshot has format \(version); this version reads format \(DataflowSnapshot.version)"
        case .unsupportedState(let id, let version, let known):
            "the state of \(id) has version \(version); this build reads version \(known)"
        case .damaged(let reason): "the snapshot is damaged: \(reason)"
        case .otherProgram: "the snapshot belongs to another program"
        }
    }
}
