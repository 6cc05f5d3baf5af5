/// Checking the types of a call's arguments, with messages for the program's author.

/// A family of types that a parameter takes.
struct ParameterKind: Sendable {
    /// As in `must be a character string`.
    var name: String
    var takes: @Sendable (SQLType) -> Bool
    /// What the argument is widened to.
    var widen: @Sendable (SQLType) -> SQLType

    init(_ name: String, takes: @escaping @Sendable (SQLType) -> Bool, widen: @escaping @Sendable (SQLType) -> SQLType = { $0 }) {
        self.name = name
        self.takes = takes
        self.widen = widen
    }

    static let text = ParameterKind("a character string", takes: \.isCharacter, widen: { $0 == .null ? .varchar(1) : $0 })
    static let integer = ParameterKind("an integer", takes: \.isInteger, widen: { $0 == .null ? .integer : $0 })
    /// An exact number without digits after the point, handed over as BIGINT.
    static let wholeNumber = ParameterKind("a whole number", takes: { $0.exactDigits?.scale == 0 }, widen: { _ in .bigint })
    static let number = ParameterKind("a number", takes: \.isNumeric, widen: { $0 == .null ? .double : $0 })
    /// Any number, handed over as DOUBLE.
    static let double = ParameterKind("a number", takes: \.isNumeric, widen: { _ in .double })
    static let boolean = ParameterKind("a BOOLEAN", takes: { $0 == .boolean }, widen: { _ in .boolean })
    static let date = ParameterKind("a DATE", takes: { $0 == .date }, widen: { _ in .date })
    static let time = ParameterKind("a TIME", takes: { $0 == .time }, widen: { _ in .time })
    static let timestamp = ParameterKind("a TIMESTAMP", takes: { $0 == .timestamp }, widen: { _ in .timestamp })
    static let datetime = ParameterKind("a DATE, TIME or TIMESTAMP", takes: \.isDatetime, widen: { $0 == .null ? .timestamp : $0 })
    static let datetimeOrInterval = ParameterKind(
        "a datetime or an interval", takes: { $0.isDatetime || $0.isInterval }, widen: { $0 == .null ? .timestamp : $0 })
    static let any = ParameterKind("a value", takes: { _ in true })
}

extension ScalarFunction {
    /// A function whose parameters are checked one by one; the last `optional` of them may be left out.
    init(
        _ name: String, _ parameters: [ParameterKind], optional: Int = 0,
        returns result: @escaping @Sendable ([SQLType]) -> SQLType,
        monotonicIn: Int? = nil, example: (sql: String, gives: String)?,
        evaluate: @escaping @Sendable (_ arguments: [Column], _ result: SQLType, _ context: inout EvaluationContext) -> Column
    ) {
        self.init(
            name: name, monotonicIn: monotonicIn, example: example,
            resolve: { types throws(SignatureError) in
                let types = try check(types, parameters, optional: optional)
                return Signature(types, returns: result(types))
            },
            evaluate: evaluate)
    }
}

/// The types that the arguments are widened to.
func check(_ types: [SQLType], _ parameters: [ParameterKind], optional: Int) throws(SignatureError) -> [SQLType] {
    let least = parameters.count - optional
    guard (least...parameters.count).contains(types.count) else {
        let wanted = optional == 0 ? "\(least)" : "\(least) to \(parameters.count)"
        throw SignatureError("takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(types.count)")
    }
    var widened: [SQLType] = []
    for (index, (type, parameter)) in zip(types, parameters).enumerated() {
        guard type == .null || parameter.takes(type) else {
            throw SignatureError("argument \(index + 1) must be \(parameter.name), not \(type)")
        }
        widened.append(parameter.widen(type))
    }
    return widened
}
