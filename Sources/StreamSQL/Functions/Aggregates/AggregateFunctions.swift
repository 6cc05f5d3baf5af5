/// The table of all aggregate functions.

/// Every aggregate function by name.
public enum AggregateFunctions {
    public static let all: [AggregateFunction] = [
        .count, .sum, .avg, .min, .max, .stddevPop, .stddevSamp, .varPop, .varSamp, .any, .every, .firstValue, .lastValue,
        .approxCountDistinct, .approxPercentile,
    ]

    private static let byName: [String: AggregateFunction] = {
        var table = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        for function in all { for alias in function.aliases { table[alias] = function } }
        return table
    }()

    /// The function of a name in upper case; nil when there is none.
    public static func named(_ name: String) -> AggregateFunction? { byName[name] }
}

extension AggregateFunction {
    /// A function of one argument of a family of types.
    init(
        _ name: String, aliases: [String] = [], of parameter: ParameterKind,
        returns result: @escaping @Sendable (_ argument: SQLType) -> SQLType,
        makeAccumulator: @escaping @Sendable (_ argument: SQLType, _ result: SQLType) -> any Accumulator
    ) {
        self.init(
            name: name,
            resolve: { argument throws(SignatureError) in
                guard let argument else { throw SignatureError("takes an expression, not *") }
                let widened = try check([argument], [parameter], optional: 0)[0]
                return Signature([widened], returns: result(widened))
            },
            makeAccumulator: { makeAccumulator($0 ?? .null, $1) })
        self.aliases = aliases
    }
}

extension RowError {
    /// A group whose result does not fit its type.
    static func overflow(ofGroup group: Int, _ type: SQLType) -> RowError {
        RowError(row: group, .overflow(type))
    }
}
