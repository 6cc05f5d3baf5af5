/// Numbers: operators, result types, numeric functions.

import StreamSQL
import Testing

@Suite("Arithmetic") struct ArithmeticTests {
    @Test("results of arithmetic have the documented values")
    func values() throws {
        #expect(shown(try call("/", integer(5), integer(2))) == "2")
        #expect(shown(try call("/", integer(-5), integer(2))) == "-2")
        #expect(shown(try call("/", decimal("5.0"), integer(2))) == "2.500000000000")
        #expect(shown(try call("+", decimal("1.5"), integer(2))) == "3.5")
        #expect(shown(try call("-", integer(5), integer(7))) == "-2")
        #expect(shown(try call("-", decimal("2.50"))) == "-2.50")
        #expect(shown(try call("+", integer(7))) == "7")
        #expect(shown(try call("*", decimal("1.5"), decimal("2.25"))) == "3.375")
        #expect(shown(try call("*", decimal("-0.01"), decimal("0.01"))) == "-0.0001")
        #expect(shown(try call("+", double(0.1), double(0.2))) == "0.30000000000000004")
        #expect(shown(try call("*", double(1e16), integer(1))) == "1.0E16")
        #expect(shown(try call("/", decimal("2.00"), decimal("3"))) == "0.666667")
        #expect(shown(try call("*", null(.integer), integer(1))) == "NULL")
        #expect(shown(try call("+", null(.null), integer(1))) == "NULL")
    }

    @Test("what does not fit its type, and a division by zero, are row errors")
    func rowErrors() throws {
        let least = TypedExpression.literal(.integer(.min), .bigint)
        #expect(shown(try call("+", integer(2_147_483_647), integer(1))) == "error: Numeric overflow")
        #expect(shown(try call("*", integer(65_536), integer(65_536))) == "error: Numeric overflow")
        #expect(shown(try call("*", bigint(65_536), integer(65_536))) == "4294967296")
        #expect(shown(try call("-", least, bigint(1))) == "error: Numeric overflow")
        #expect(shown(try call("-", least)) == "error: Numeric overflow")
        #expect(shown(try call("/", least, bigint(-1))) == "error: Numeric overflow")
        #expect(shown(try call("MOD", least, bigint(-1))) == "0")
        #expect(shown(try call("ABS", least)) == "error: Numeric overflow")
        for zero in [integer(0), decimal("0.0"), double(0)] {
            #expect(shown(try call("/", integer(1), zero)) == "error: Division by zero")
        }
        #expect(shown(try call("*", double(1e300), double(1e300))) == "error: Numeric overflow")
        #expect(shown(try call("*", decimal("999999999999999999"), decimal("9"))) == "error: Numeric overflow")
        #expect(shown(try call("+", decimal("99999999999999999.9"), decimal("999999999999999.999"))) == "error: Numeric overflow")
    }

    @Test("result types follow the precision rules, capped at 18 digits")
    func resultTypes() throws {
        func type(_ name: String, _ a: SQLType, _ b: SQLType) throws -> SQLType {
            try #require(ScalarFunctions.named(name)).resolve([a, b]).result
        }
        let five = SQLType.decimal(precision: 5, scale: 2)
        let nine = SQLType.decimal(precision: 9, scale: 4)
        #expect(try type("+", five, nine) == .decimal(precision: 10, scale: 4))
        #expect(try type("-", nine, five) == .decimal(precision: 10, scale: 4))
        #expect(try type("*", five, nine) == .decimal(precision: 14, scale: 6))
        #expect(try type("/", five, nine) == .decimal(precision: 18, scale: 11))
        #expect(
            try type("*", .decimal(precision: 18, scale: 9), .decimal(precision: 18, scale: 9))
                == .decimal(precision: 18, scale: 18))
        #expect(try type("+", .tinyint, .tinyint) == .tinyint)
        #expect(try type("+", .smallint, .integer) == .integer)
        #expect(try type("+", .integer, .bigint) == .bigint)
        #expect(try type("+", .integer, five) == .decimal(precision: 13, scale: 2))
        #expect(try type("*", .real, .real) == .real)
        #expect(try type("*", .real, .integer) == .double)
        #expect(try type("*", five, .double) == .double)
        #expect(try type("+", .null, five) == .decimal(precision: 6, scale: 2))
    }

    @Test("numeric functions have the documented values")
    func functions() throws {
        #expect(shown(try call("FLOOR", decimal("-3.3"))) == "-4")
        #expect(shown(try call("CEILING", try call("*", integer(-3), decimal("3.1")))) == "-9")
        #expect(shown(try call("CEIL", double(2.1))) == "3.0")
        #expect(shown(try call("FLOOR", integer(7))) == "7")
        #expect(shown(try call("CEIL", decimal("99.5"))) == "100")
        #expect(shown(try call("ABS", decimal("-3.5"))) == "3.5")
        #expect(shown(try call("ABS", interval("-2", .hour))) == "+2")
        #expect(shown(try call("MOD", integer(-4), integer(3))) == "-1")
        #expect(shown(try call("MOD", integer(4), integer(0))) == "error: Division by zero")
        #expect(shown(try call("EXP", integer(0))) == "1.0")
        #expect(shown(try call("EXP", integer(1000))) == "error: Numeric overflow")
        #expect(shown(try call("LN", integer(1))) == "0.0")
        #expect(shown(try call("LN", integer(0))) == "error: Invalid argument")
        #expect(shown(try call("LOG10", integer(1000))) == "3.0")
        #expect(shown(try call("LOG10", integer(-1))) == "error: Invalid argument")
        #expect(shown(try call("POWER", integer(2), integer(10))) == "1024.0")
        #expect(shown(try call("POWER", integer(0), integer(-1))) == "error: Invalid argument")
        #expect(shown(try call("POWER", integer(-8), decimal("0.5"))) == "error: Invalid argument")
        #expect(shown(try call("SQRT", decimal("6.25"))) == "2.5")
        #expect(shown(try call("SQRT", integer(-1))) == "error: Invalid argument")
        #expect(shown(try call("SQRT", null(.double))) == "NULL")
    }

    @Test("arguments of the wrong type or number are refused in words")
    func refusals() {
        #expect(refusal("+", .varchar(3), .integer) == "cannot add VARCHAR(3) and INTEGER")
        #expect(refusal("-", .timestamp, .timestamp)?.contains("interval qualifier") == true)
        #expect(refusal("MOD", .double, .integer) == "argument 1 must be a whole number, not DOUBLE")
        #expect(refusal("ABS", .integer, .integer) == "takes 1 argument, not 2")
        #expect(refusal("SUBSTRING", .varchar(3)) == "takes 2 to 3 arguments, not 1")
        #expect(refusal("=", .integer, .varchar(3)) == "cannot compare INTEGER with VARCHAR(3)")
        #expect(ScalarFunctions.named("NO_SUCH") == nil)
    }

    @Test("decimal results are exact, unlike any double")
    func exactness() throws {
        let big = decimal("90071992547409.9303")
        #expect(shown(try call("+", big, decimal("0.0001"))) == "90071992547409.9304")
        #expect(shown(try call("-", bigint(9_007_199_254_740_993), bigint(0))) == "9007199254740993")
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let (a, b) = (Int64.random(in: -999_999...999_999, using: &random), Int64.random(in: -9999...9999, using: &random))
            let left = TypedExpression.literal(.integer(a), .decimal(precision: 6, scale: 2))
            let right = TypedExpression.literal(.integer(b), .decimal(precision: 4, scale: 3))
            var context = makeContext()
            let sum = try Evaluator().evaluateConstant(try call("+", left, right), context: &context)
            #expect(sum == .integer(a * 10 + b))
            let product = try Evaluator().evaluateConstant(try call("*", left, right), context: &context)
            #expect(product == .integer(a * b))
        }
    }
}
