/// HOP(t, slide, size): the start of the last window of that size that holds t, where one begins every `slide`. As a term of GROUP BY it stands for all
/// windows that hold t.
extension ScalarFunction {
    static let hop = ScalarFunction(
        name: "HOP", monotonicIn: 0,
        example: (
            sql: "HOP(TIMESTAMP '2004-09-30 13:48:23', INTERVAL '5' MINUTE, INTERVAL '1' HOUR)", gives: "2004-09-30 13:45:00"
        ),
        resolve: { types throws(SignatureError) in
            guard types.count == 3 else { throw SignatureError("takes 3 arguments, not \(types.count)") }
            guard types[0] == .timestamp || types[0] == .null, case .interval(let slide) = types[1],
                case .interval(let size) = types[2],
                !slide.countsMonths, !size.countsMonths
            else {
                throw SignatureError(
                    "takes a TIMESTAMP, the interval between windows and their size, of days or smaller units, not \(types.map(\.description).joined(separator: ", "))"
                )
            }
            return Signature([.timestamp, types[1], types[2]], returns: .timestamp)
        },
        evaluate: { columns, type, context in
            let nulls = Kernel.nulls(columns)
            let values = Kernel.map(columns[0].integerOperand, columns[1].integerOperand, nulls: nulls, filler: Int64(0), &context)
            {
                value, slide throws(RowFailure) in
                guard slide > 0 else { throw .argument("HOP needs an interval above 0.") }
                let (start, overflow) = CivilTime.floorDivide(value, slide).multipliedReportingOverflow(by: slide)
                if overflow { throw .overflow(type) }
                return start
            }
            return Column(type, .integers(values), nulls: nulls)
        }
    ).with {
        $0.refine = { literals throws(SignatureError) in
            guard case .integer(let slide)? = literals[1], case .integer(let size)? = literals[2] else {
                throw SignatureError("HOP takes intervals written out", argument: 1)
            }
            guard slide > 0, size > 0, size % slide == 0, size / slide <= 1_000 else {
                throw SignatureError("HOP needs a size that is 1 to 1000 times the interval between windows", argument: 2)
            }
            return nil
        }
    }
}

extension TypedExpression {
    /// Windows that begin every so many milliseconds and are so many long, where the expression is HOP of ROWTIME.
    public var hop: (slide: Int64, size: Int64)? {
        guard case .call(let function, let arguments, _) = self, function.name == "HOP", arguments.count == 3,
            case .rowtime = arguments[0], case .literal(.integer(let slide), _) = arguments[1],
            case .literal(.integer(let size), _) = arguments[2], slide > 0, size >= slide
        else { return nil }
        return (slide, size)
    }

    /// Whether HOP is a part of it.
    var containsHop: Bool {
        if case .call(let function, _, _) = self, function.name == "HOP" { return true }
        return parts.contains(where: \.containsHop)
    }
}
