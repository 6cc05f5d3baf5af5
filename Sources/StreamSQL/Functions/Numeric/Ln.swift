/// LN(x): the natural logarithm; of zero or less, a row error.
import Glibc

extension ScalarFunction {
    static let ln = ScalarFunction("LN", [.double], returns: { _ in .double }, example: (sql: "LN(1)", gives: "0.0")) {
        columns, type, context in
        columns[0].mapDoubles(type, &context) { value throws(RowFailure) in
            guard value > 0 else { throw .argument("LN needs an argument above 0.") }
            return Glibc.log(value)
        }
    }
}
