/// SQRT(x): the square root; of less than zero, a row error.
import Glibc

extension ScalarFunction {
    static let sqrt = ScalarFunction("SQRT", [.double], returns: { _ in .double }, example: (sql: "SQRT(6.25)", gives: "2.5")) {
        columns, type, context in
        columns[0].mapDoubles(type, &context) { value throws(RowFailure) in
            guard value >= 0 else { throw .argument("SQRT needs an argument of at least 0.") }
            return Glibc.sqrt(value)
        }
    }
}
