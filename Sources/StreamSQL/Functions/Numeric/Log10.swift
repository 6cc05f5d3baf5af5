/// LOG10(x): the logarithm to base 10; of zero or less, a row error.
import Glibc

extension ScalarFunction {
    static let log10 = ScalarFunction("LOG10", [.double], returns: { _ in .double }, example: (sql: "LOG10(1000)", gives: "3.0")) {
        columns, type, context in
        columns[0].mapDoubles(type, &context) { value throws(RowFailure) in
            guard value > 0 else { throw .argument("LOG10 needs an argument above 0.") }
            return Glibc.log10(value)
        }
    }
}
