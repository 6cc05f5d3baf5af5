/// Plans functions with OVER: their windows, and what each gives.

/// Collects the windows and calls of one SELECT; each call becomes a column past the scope's last.
final class SlidingPlanner {
    private let context: PlanContext
    private let scope: Scope
    private let named: [Syntax.NamedWindow]
    private var windows: [SlidingWindow] = []
    private var calls: [SlidingCall] = []

    init(_ context: PlanContext, _ scope: Scope, named: [Syntax.NamedWindow]) throws(SQLError) {
        self.context = context
        self.scope = scope
        self.named = named
        var seen: Set<String> = []
        for window in named where !seen.insert(window.name.text).inserted {
            throw SQLError("there is a window \(Identifiers.written(window.name.text)) already", at: window.name.position)
        }
    }

    /// The relation with a column for each call; itself if there is none.
    func relation(over input: Relation) -> Relation {
        calls.isEmpty ? input : .sliding(input, SlidingWindows(windows: windows, calls: calls))
    }

    /// The column that stands for a call.
    func bind(_ call: Syntax.Call, over window: Syntax.Window) throws(SQLError) -> TypedExpression {
        let resolved = try resolve(window)
        let position = call.name.position
        guard SlidingFunctions.names.contains(AggregateFunctions.named(call.name.text)?.name ?? call.name.text) else {
            let hint = Suggestion.hint(for: call.name.text, among: SlidingFunctions.names.sorted())
            throw SQLError("\(Identifiers.written(call.name.text)) cannot stand before OVER\(hint)", at: position)
        }
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand inside a function with OVER"
        var arguments: [TypedExpression] = []
        for argument in call.arguments { arguments.append(try binder.bind(argument)) }
        var frame = resolved.frame
        let signature: SlidingSignature
        do throws(SignatureError) { signature = try self.signature(call, arguments, &frame) } catch {
            throw SQLError(
                "\(Identifiers.written(call.name.text)): \(error.message)",
                at: error.argument.map { call.arguments[$0].start } ?? position)
        }
        // The number of rows and the interval are parameters.
        if SlidingFunctions.own.contains(call.name.text), arguments.count > 1 { arguments.remove(at: 1) }
        let kept = zip(arguments, signature.arguments).map { $0.converted(to: $1, .widening) }
        return column(
            SlidingCall(
                signature.function, window: index(SlidingWindow(partition: resolved.partition, frame: frame)), arguments: kept,
                type: signature.result))
    }

    private func index(_ window: SlidingWindow) -> Int {
        if let index = windows.firstIndex(of: window) { return index }
        windows.append(window)
        return windows.count - 1
    }

    private func column(_ call: SlidingCall) -> TypedExpression {
        let index = calls.firstIndex(of: call) ?? calls.count
        if index == calls.count { calls.append(call) }
        return .column(scope.columns.count + index, call.type)
    }

    // MARK: Functions

    /// - Parameter frame: a function that needs fewer rows than the window has makes it shorter.
    private func signature(_ call: Syntax.Call, _ arguments: [TypedExpression], _ frame: inout SlidingFrame) throws(SignatureError)
        -> SlidingSignature
    {
        let ignoresNulls = call.nulls == .ignore
        switch call.name.text {
        case "FIRST_VALUE":
            try count(arguments, 1...1)
            return try place(.first(1), "FIRST_VALUE", ignoresNulls, arguments, &frame)
        case "LAST_VALUE":
            try count(arguments, 1...1)
            return try place(.last(1), "LAST_VALUE", ignoresNulls, arguments, &frame)
        case "NTH_VALUE":
            try count(arguments, 2...2)
            let n = try number(arguments[1], least: 1)
            return try place(call.isFromLast ? .last(n) : .first(n), "NTH_VALUE", ignoresNulls, Array(arguments.prefix(1)), &frame)
        case "LAG":
            try count(arguments, 1...3)
            let n = arguments.count > 1 ? try number(arguments[1], least: 0) : 1
            // Nought rows before the current one is the current one.
            if n == 0 { return try place(.last(1), "LAG", false, Array(arguments.prefix(1)), &frame) }
            return try place(.before(n), "LAG", ignoresNulls, Array(arguments.prefix(1) + arguments.dropFirst(2)), &frame)
        case "EXP_AVG":
            try count(arguments, 2...2)
            guard arguments[0].type.isNumeric || arguments[0].type == .null else {
                throw SignatureError("argument 1 must be a number, not \(arguments[0].type)")
            }
            guard frame != .endless else { throw SignatureError("needs a window with RANGE or ROWS") }
            return SlidingFunctions.exponentialAverage(halfLife: try interval(arguments[1]))
        default: return try aggregate(call, arguments, frame)
        }
    }

    private func aggregate(_ call: Syntax.Call, _ arguments: [TypedExpression], _ frame: SlidingFrame) throws(SignatureError)
        -> SlidingSignature
    {
        guard let function = AggregateFunctions.named(call.name.text) else { throw SignatureError("cannot stand before OVER") }
        if call.nulls == .ignore { throw SignatureError("passes over NULLs anyway; leave out IGNORE NULLS") }
        if !call.isStar { try count(arguments, 1...1) }
        if call.isDistinct, frame == .endless {
            throw SignatureError("takes DISTINCT values over a window with RANGE or ROWS only")
        }
        return try SlidingFunctions.aggregate(
            function, of: call.isStar ? nil : arguments.first?.type, isDistinct: call.isDistinct)
    }

    private func place(
        _ place: SlidingPlace, _ name: String, _ ignoresNulls: Bool, _ arguments: [TypedExpression], _ frame: inout SlidingFrame
    ) throws(SignatureError) -> SlidingSignature {
        var types = arguments.map(\.type)
        if types[0] == .null { types[0] = types.count > 1 && types[1] != .null ? types[1] : .varchar(1) }
        if types.count > 1 {
            guard let common = SQLType.common(types[0], types[1]) else {
                throw SignatureError("cannot give both a \(types[0]) and a \(types[1]); use CAST", argument: 2)
            }
            types = [common, common]
        }
        if frame == .endless {
            switch place {
            // The last rows are those of a window of so many rows.
            case .last(let n) where !ignoresNulls: frame = .rows(n - 1)
            case .before(let n) where !ignoresNulls: frame = .rows(n)
            case .first(let n), .last(let n), .before(let n):
                if n > SlidingFunctions.mostPlaces {
                    throw SignatureError("reaches at most \(SlidingFunctions.mostPlaces) rows in a window without RANGE or ROWS")
                }
            }
        }
        return SlidingFunctions.place(name, place, ignoresNulls: ignoresNulls, of: types)
    }

    private func count(_ arguments: [TypedExpression], _ range: ClosedRange<Int>) throws(SignatureError) {
        guard range.contains(arguments.count) else {
            let wanted = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw SignatureError("takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count)")
        }
    }

    private func number(_ expression: TypedExpression, least: Int64) throws(SignatureError) -> Int {
        guard case .literal(.integer(let value), let type) = expression, type.isInteger else {
            throw SignatureError("takes the number of rows as a whole number written out", argument: 1)
        }
        guard (least...1_000_000).contains(value) else {
            throw SignatureError("takes \(least) to 1000000 rows, not \(value)", argument: 1)
        }
        return Int(value)
    }

    private func interval(_ expression: TypedExpression) throws(SignatureError) -> Int64 {
        guard case .literal(.integer(let value), .interval(let qualifier)) = expression, !qualifier.countsMonths, value > 0 else {
            throw SignatureError("takes an interval above 0 of days or smaller units, such as INTERVAL '10' SECOND", argument: 1)
        }
        return value
    }

    // MARK: Windows

    private func resolve(_ window: Syntax.Window) throws(SQLError) -> SlidingWindow {
        let whole = try expanded(window, depth: 0)
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand in PARTITION BY"
        var partition: [TypedExpression] = []
        for term in whole.partition {
            let bound = try binder.bind(term)
            if !partition.contains(bound) { partition.append(bound) }
        }
        for term in whole.order {
            var order = ExpressionBinder(context, scope)
            guard try order.bind(term.expression) == .rowtime, !term.isDescending else {
                throw SQLError(
                    "ORDER BY in a window may only be ROWTIME: rows are in time order already", at: term.expression.start)
            }
        }
        return SlidingWindow(
            partition: partition,
            frame: try whole.frame.map { frame throws(SQLError) in
                try Self.frame(frame, at: window.position)
            } ?? .endless)
    }

    /// The window with what it takes over from the one that it names.
    private func expanded(_ window: Syntax.Window, depth: Int) throws(SQLError) -> Syntax.Window {
        guard let base = window.base else { return window }
        guard let found = named.first(where: { $0.name.text == base.text }) else {
            let hint = Suggestion.hint(for: base.text, among: named.map(\.name.text))
            throw SQLError("there is no window \(Identifiers.written(base.text))\(hint)", at: base.position)
        }
        if depth > named.count {
            throw SQLError("the window \(Identifiers.written(base.text)) is defined by itself", at: base.position)
        }
        var whole = try expanded(found.window, depth: depth + 1)
        if !window.partition.isEmpty { whole.partition = window.partition }
        if !window.order.isEmpty { whole.order = window.order }
        if let frame = window.frame { whole.frame = frame }
        return whole
    }

    static func frame(_ frame: Syntax.Frame, at position: SourcePosition) throws(SQLError) -> SlidingFrame {
        switch frame.end {
        case .currentRow: break
        case .unboundedFollowing, .following:
            throw SQLError("a window on a stream ends with CURRENT ROW: what follows is not known", at: position)
        case .preceding(let amount):
            // The reference allows no such window but names 0 PRECEDING as another word for CURRENT ROW.
            guard case .literal(.integer(0), _) = amount.kind else {
                throw SQLError("a window that ends before the current row is not supported", at: amount.start)
            }
        case .unboundedPreceding: throw SQLError("a window cannot end before it starts", at: position)
        }
        switch frame.start {
        case .unboundedPreceding: return .endless
        case .currentRow: return frame.isRange ? .range(milliseconds: 0) : .rows(0)
        case .preceding(let amount): return frame.isRange ? try range(amount) : try rows(amount)
        case .unboundedFollowing, .following:
            throw SQLError("a window on a stream ends with CURRENT ROW: what follows is not known", at: position)
        }
    }

    private static func range(_ amount: Syntax.Expression) throws(SQLError) -> SlidingFrame {
        guard case .literal(.integer(let value), .interval(let qualifier)) = amount.kind else {
            throw SQLError("RANGE takes an interval, such as INTERVAL '1' MINUTE", at: amount.start)
        }
        if qualifier.countsMonths {
            throw SQLError("RANGE takes an interval of days or smaller units: months differ in length", at: amount.start)
        }
        if value < 0 { throw SQLError("RANGE takes an interval that is not negative", at: amount.start) }
        return .range(milliseconds: value)
    }

    private static func rows(_ amount: Syntax.Expression) throws(SQLError) -> SlidingFrame {
        guard case .literal(.integer(let value), let type) = amount.kind, type.isInteger, (0...1_000_000).contains(value) else {
            throw SQLError("ROWS takes a whole number from 0 to 1000000", at: amount.start)
        }
        return .rows(Int(value))
    }
}
