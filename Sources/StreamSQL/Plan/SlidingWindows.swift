/// What a query's functions with OVER become: sliding windows and the functions over them.

/// Windows over one relation. The columns that come out are its own, then one for each call.
public struct SlidingWindows: Sendable {
    public var windows: [SlidingWindow]
    public var calls: [SlidingCall]
    public init(windows: [SlidingWindow], calls: [SlidingCall]) {
        self.windows = windows
        self.calls = calls
    }
    var columns: [ColumnDefinition] { calls.enumerated().map { ColumnDefinition("OVER$\($0.offset)", $0.element.type) } }
}

/// The rows of a row's partition up to itself, as far back as the frame goes.
public struct SlidingWindow: Sendable, Hashable {
    public var partition: [TypedExpression]
    public var frame: SlidingFrame
    public init(partition: [TypedExpression], frame: SlidingFrame) {
        self.partition = partition
        self.frame = frame
    }
}

/// How far back a window goes.
public enum SlidingFrame: Sendable, Hashable {
    /// To the first row.
    case endless
    /// Rows whose ROWTIME is at most so many milliseconds lower (SQL Reference, "WINDOW Clause": the endpoint is included).
    case range(milliseconds: Int64)
    /// So many rows before the row itself (SQL:2008; the prose of the page calls ROWS 2 a window of two rows).
    case rows(Int)
}

/// A function over one of the windows.
public struct SlidingCall: Sendable, Hashable {
    public var function: SlidingFunction
    /// Its position among the windows.
    public var window: Int
    public var arguments: [TypedExpression]
    public var type: SQLType
    public init(_ function: SlidingFunction, window: Int, arguments: [TypedExpression], type: SQLType) {
        self.function = function
        self.window = window
        self.arguments = arguments
        self.type = type
    }
}
