/// The table of functions that can stand before OVER.

/// What a call with OVER becomes.
struct SlidingSignature {
    var function: SlidingFunction
    /// The types that the arguments are widened to; those that are parameters of the function are not among them.
    var arguments: [SQLType]
    var result: SQLType
}

enum SlidingFunctions {
    /// Those of the table of aggregates, and those that are nothing else.
    static let names: Set<String> = Set(AggregateFunctions.all.map(\.name)).union(own).subtracting(sketches)
    private static let sketches: Set<String> = ["APPROX_COUNT_DISTINCT", "APPROX_PERCENTILE"]
    static let own: Set<String> = ["LAG", "NTH_VALUE", "EXP_AVG"]

    /// Where no row ever leaves the window, a place may be at most this far from its end.
    static let mostPlaces = 100

    /// An aggregate function over a window.
    static func aggregate(_ function: AggregateFunction, of argument: SQLType?, isDistinct: Bool) throws(SignatureError)
        -> SlidingSignature
    {
        let signature = try function.resolve(argument)
        let type = signature.arguments.first
        // The least and the greatest of distinct values are those of all.
        let isDistinct = isDistinct && function.name != "MIN" && function.name != "MAX"
        if isDistinct, let type, !(function.name == "COUNT" || type.isExactNumeric) {
            throw SignatureError("cannot be taken of DISTINCT values of a \(type) over a window")
        }
        guard let make = function.makeSliding else { throw SignatureError("cannot stand before OVER") }
        let sliding = SlidingFunction((isDistinct ? "DISTINCT " : "") + function.name) { arguments, result, isEndless in
            let inner = make(arguments.first, result, isEndless)
            return isDistinct ? SlidingDistinct(inner, isEndless: isEndless) : inner
        }
        return SlidingSignature(function: sliding, arguments: signature.arguments, result: signature.result)
    }

    /// LAG, NTH_VALUE, FIRST_VALUE and LAST_VALUE.
    static func place(_ name: String, _ place: SlidingPlace, ignoresNulls: Bool, of types: [SQLType]) -> SlidingSignature {
        let type = types[0]
        let shown: String =
            switch place {
            case .first(let n): "FIRST \(n)"
            case .last(let n): "LAST \(n)"
            case .before(let n): "LAG \(n)"
            }
        let function = SlidingFunction(shown + (ignoresNulls ? " IGNORE NULLS" : "")) { arguments, result, isEndless in
            func make<Value: SlidingValue>(_ value: Value.Type) -> any SlidingAccumulator {
                SlidingPlaces<Value>(result, place, ignoresNulls: ignoresNulls, isEndless: isEndless)
            }
            return result.withSlidingValue { make($0) }
        }
        return SlidingSignature(function: function, arguments: types, result: type)
    }

    static func exponentialAverage(halfLife: Int64) -> SlidingSignature {
        let function = SlidingFunction("EXP_AVG \(halfLife)") { _, _, _ in SlidingExponential(halfLife: halfLife) }
        return SlidingSignature(function: function, arguments: [.double], result: .double)
    }
}

extension AggregateFunction {
    /// The function over a sliding window: how it takes values back, or keeps what it needs.
    var makeSliding: (@Sendable (_ argument: SQLType?, _ result: SQLType, _ isEndless: Bool) -> any SlidingAccumulator)? {
        switch name {
        case "COUNT": { _, _, isEndless in SlidingCount(isEndless: isEndless) }
        case "SUM", "AVG":
            { [name] argument, result, isEndless in Self.sum(name, argument ?? .bigint, result, isEndless) }
        case "MIN", "MAX":
            { [name] argument, result, isEndless in Self.extreme(result, largest: name == "MAX", isEndless) }
        case "STDDEV_POP": Self.moments(ofSample: false, squareRoot: true)
        case "STDDEV_SAMP": Self.moments(ofSample: true, squareRoot: true)
        case "VAR_POP": Self.moments(ofSample: false, squareRoot: false)
        case "VAR_SAMP": Self.moments(ofSample: true, squareRoot: false)
        case "ANY": { _, _, isEndless in SlidingTruth(every: false, isEndless: isEndless) }
        case "EVERY": { _, _, isEndless in SlidingTruth(every: true, isEndless: isEndless) }
        default: nil
        }
    }

    private static func moments(ofSample: Bool, squareRoot: Bool) -> @Sendable (SQLType?, SQLType, Bool) -> any SlidingAccumulator {
        { _, _, isEndless in
            SlidingDoubles<PartialMoments>(.variance(ofSample: ofSample, squareRoot: squareRoot), isEndless: isEndless)
        }
    }

    private static func sum(_ name: String, _ argument: SQLType, _ result: SQLType, _ isEndless: Bool) -> any SlidingAccumulator {
        if argument.isApproximateNumeric {
            return SlidingDoubles<PartialSum>(name == "SUM" ? .sum : .average, isEndless: isEndless)
        }
        guard name == "AVG" else { return SlidingSum(result, .sum, isEndless: isEndless) }
        var factor: Int128?
        if case .decimal(_, let scale) = result, case .decimal(_, let argumentScale) = argument {
            factor = Int128(DecimalDigits.power(scale - argumentScale))
        }
        return SlidingSum(result, .average(factor: factor), isEndless: isEndless)
    }

    private static func extreme(_ type: SQLType, largest: Bool, _ isEndless: Bool) -> any SlidingAccumulator {
        func make<Value: SlidingValue>(_ value: Value.Type) -> any SlidingAccumulator {
            SlidingExtreme<Value>(type, largest: largest, isEndless: isEndless)
        }
        return type.withSlidingValue { make($0) }
    }
}
