/// EXP(x): e to the power x.
import Glibc

extension ScalarFunction {
    static let exp = ScalarFunction("EXP", [.double], returns: { _ in .double }, example: (sql: "EXP(0)", gives: "1.0")) {
        columns, type, context in
        columns[0].mapDoubles(type, &context) { value throws(RowFailure) in Glibc.exp(value) }
    }
}

extension Column {
    /// Doubles from doubles; a result that is no number or infinite is a row error.
    func mapDoubles(
        _ type: SQLType, _ context: inout EvaluationContext, _ body: (Double) throws(RowFailure) -> Double
    ) -> Column {
        let values = Kernel.map(doubles, nulls: nulls, filler: 0.0, &context) { value throws(RowFailure) in
            let result = try body(value)
            guard result.isFinite else { throw .overflow(type) }
            return result
        }
        return Column(type, .doubles(values), nulls: nulls)
    }
}
