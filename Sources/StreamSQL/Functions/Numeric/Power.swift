/// POWER(base, exponent); zero to a negative power is a row error.
import Glibc

extension ScalarFunction {
    static let power = ScalarFunction(
        "POWER", [.double, .double], returns: { _ in .double }, example: (sql: "POWER(2, 10)", gives: "1024.0")
    ) { columns, type, context in
        let nulls = Kernel.nulls(columns)
        let values = Kernel.map(columns[0].doubleOperand, columns[1].doubleOperand, nulls: nulls, filler: 0.0, &context) {
            base, exponent throws(RowFailure) in
            if base == 0 && exponent < 0 { throw .argument("POWER of 0 needs an exponent of at least 0.") }
            let result = pow(base, exponent)
            if result.isNaN { throw .argument("POWER of a negative number needs a whole exponent.") }
            guard result.isFinite else { throw .overflow(type) }
            return result
        }
        return Column(type, .doubles(values), nulls: nulls)
    }
}
