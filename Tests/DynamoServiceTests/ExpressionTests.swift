/// Expressions: what they say of an item, what they make of it, and that nothing that looks like one ends the process.

import AWSWire
import DynamoService
import Foundation
import Testing

@Suite struct ExpressionTests {
    private static let item: Item = [
        "a".bytes: .number(DynamoNumber(5)), "b".bytes: .string("hello".bytes), "c".bytes: .stringSet(of: ["x".bytes, "y".bytes]),
        "d".bytes: .list([.number(DynamoNumber(1)), .map(["e".bytes: .bool(true)])]), "f".bytes: .null,
    ]
    private static let values: [AttributeName: AttributeValue] = [
        ":1".bytes: .number(DynamoNumber(1)), ":5".bytes: .number(DynamoNumber(5)), ":9".bytes: .number(DynamoNumber(9)),
        ":he".bytes: .string("he".bytes), ":hello".bytes: .string("hello".bytes), ":x".bytes: .string("x".bytes),
        ":t".bytes: .bool(true), ":S".bytes: .string("S".bytes), ":list".bytes: .list([.null]),
        ":set".bytes: .stringSet(of: ["x".bytes]),
    ]
    private static var inputs: ExpressionInputs {
        ExpressionInputs(names: ["#d".bytes: "d".bytes, "#s".bytes: "size".bytes], values: values)
    }

    @Test(arguments: [
        ("a = :5", true), ("a <> :5", false), ("a < :9 AND a > :1", true), ("a BETWEEN :1 AND :5", true), ("a IN (:1, :9)", false),
        ("NOT a IN (:1, :9)", true), ("begins_with(b, :he)", true), ("contains(b, :x)", false), ("contains(c, :x)", true),
        ("contains(#d, :1)", true), ("attribute_exists(d[1].e)", true), ("attribute_not_exists(d[2])", true), ("d[1].e = :t", true),
        ("attribute_type(b, :S)", true), ("size(b) = :5", true), ("size(c) > :1", true), ("zzz = :1", false),
        ("zzz <> :1", true),
        ("zzz < :1", false), ("a = :hello", false), ("a < :hello", false), ("a = :1 OR a = :5 AND b = :he", false),
        ("(a = :1 OR a = :5) AND b = :hello", true), ("NOT NOT a = :5", true), ("size(zzz) = :1", false), ("#s = :1", false),
        ("a=:5 and(b=:hello)", true), ("b > :he", true), ("f = :1", false), ("size(a) = :5", false),
    ])
    func conditionsHold(text: String, expected: Bool) throws {
        var inputs = Self.inputs
        let condition = try ConditionParser.condition(text, of: "ConditionExpression", &inputs)
        #expect(condition.holds(of: Self.item) == expected)
    }

    @Test(arguments: [
        ("SET a = a + :1", "a", AttributeValue.number(DynamoNumber(6))), ("SET a = a - :9", "a", .number(DynamoNumber(-4))),
        ("SET g = if_not_exists(g, :1)", "g", .number(DynamoNumber(1))),
        ("SET a = if_not_exists(a, :1) + :1", "a", .number(DynamoNumber(6))),
        ("SET d[0] = :5 REMOVE d[1].e", "d", .list([.number(DynamoNumber(5)), .map([:])])),
        ("REMOVE d[0]", "d", .list([.map(["e".bytes: .bool(true)])])), ("REMOVE d[0], d[1]", "d", .list([])),
        (
            "SET d[9] = :9, d[8] = :1", "d",
            .list([.number(DynamoNumber(1)), .map(["e".bytes: .bool(true)]), .number(DynamoNumber(1)), .number(DynamoNumber(9))])
        ),
        ("SET d = list_append(:list, d)", "d", .list([.null, .number(DynamoNumber(1)), .map(["e".bytes: .bool(true)])])),
        ("DELETE c :set", "c", .stringSet(of: ["y".bytes])), ("ADD a :1", "a", .number(DynamoNumber(6))),
        ("ADD n :1", "n", .number(DynamoNumber(1))),
        (
            "SET d[1].g = b", "d",
            .list([.number(DynamoNumber(1)), .map(["e".bytes: .bool(true), "g".bytes: .string("hello".bytes)])])
        ),
        ("SET a = b, b = a", "b", .number(DynamoNumber(5))),
    ])
    func updatesAreMade(text: String, name: String, expected: AttributeValue) throws {
        var inputs = Self.inputs
        let program = try UpdateParser.program(text, &inputs)
        #expect(try program.applied(to: Self.item)[name.bytes] == expected)
    }

    @Test(arguments: [
        ("SET zz.y = :1", "invalid for update"), ("SET a = zz", "does not exist"), ("SET a = b + a", "incorrect data type"),
        ("ADD b :1", "incorrect data type"), ("DELETE a :set", "incorrect data type"), ("REMOVE zz.y", "invalid for update"),
        ("SET d[0][0] = :1", "invalid for update"), ("SET d[7].a = :1", "invalid for update"),
    ])
    func updatesThatTheItemDoesNotAllowAreRefused(text: String, message: String) throws {
        var inputs = Self.inputs
        let program = try UpdateParser.program(text, &inputs)
        let error = #expect(throws: AWSError.self) { try program.applied(to: Self.item) }
        #expect(error?.message?.contains(message) ?? false)
    }

    @Test func listsAreNotDoubledPastWhatAnItemHolds() throws {
        let item: Item = ["a".bytes: .list([AttributeValue](repeating: .null, count: 200_000))]
        var text = "a"
        for _ in 0..<6 { text = "list_append(\(text), \(text))" }
        for expression in ["SET b = \(text)", "SET " + (0..<100).map { "b\($0) = list_append(a, a)" }.joined(separator: ", ")] {
            var inputs = Self.inputs
            let program = try UpdateParser.program(expression, &inputs)
            let error = #expect(throws: AWSError.self) { try program.applied(to: item) }
            #expect(error?.message?.contains("exceeded the maximum allowed size") ?? false)
        }
    }

    @Test func partsAreFoundWhereTheyAre() throws {
        var random = SystemRandomNumberGenerator()
        func letters(_ most: Int) -> String {
            String((0..<Int.random(in: 1...most, using: &random)).map { _ in Bool.random(using: &random) ? "a" : "b" })
        }
        for _ in 0..<2_000 {
            let (text, part) = (letters(30), letters(6))
            var inputs = ExpressionInputs(names: [:], values: [":p".bytes: .string(part.bytes)])
            let condition = try ConditionParser.condition("contains(t, :p)", of: "ConditionExpression", &inputs)
            #expect(condition.holds(of: ["t".bytes: .string(text.bytes)]) == text.contains(part), "\(part) in \(text)")
        }
    }

    @Test func depthLengthAndNumberOfOperatorsAreBounded() {
        let long = [
            String(repeating: "(", count: 2_000) + "a = :1" + String(repeating: ")", count: 2_000),
            String(repeating: "NOT ", count: 1_000) + "a = :1", (0..<400).map { _ in "a = :1" }.joined(separator: " OR "),
            "a = :1" + String(repeating: " ", count: 5_000), "a" + String(repeating: "[0]", count: 1_000) + " = :1",
        ]
        for text in long {
            var inputs = Self.inputs
            #expect(throws: AWSError.self) { try ConditionParser.condition(text, of: "ConditionExpression", &inputs) }
        }
        var inputs = Self.inputs
        let nested = "SET a = " + String(repeating: "if_not_exists(a, ", count: 300) + ":1" + String(repeating: ")", count: 300)
        #expect(throws: AWSError.self) { try UpdateParser.program(nested, &inputs) }
    }

    /// How many mutants are made; the whole run is `MILLRACE_COMPLETE=1`.
    private static let mutants = ProcessInfo.processInfo.environment["MILLRACE_COMPLETE"] == "1" ? 100_000 : 5_000

    /// Pieces of expressions, put together without sense.
    private static let pieces = [
        "a", "b", "d[1].e", "#d", "#x", ":1", ":he", ":none", "=", "<>", "<", ">=", "(", ")", ",", "[", "]", ".", "+", "-", " AND ",
        " OR ",
        " NOT ", " BETWEEN ", " IN ", "SET ", "REMOVE ", "ADD ", "DELETE ", "size(", "contains(", "begins_with(",
        "attribute_exists(",
        "attribute_type(", "if_not_exists(", "list_append(", "d[99999999999]", "é", "\u{0}", "\"", "'", "#", ":", "d[-1]", "status",
    ]
    private static let whole = [
        "a = :5 AND (b = :he OR NOT contains(c, :x))", "SET a = if_not_exists(a, :1) + :1, d[0] = :5 REMOVE d[1].e ADD n :1",
        "attribute_type(b, :S) AND a BETWEEN :1 AND :9", "a IN (:1, :5, :9) AND size(b) > :1",
    ]

    @Test func mutantsAreReadOrRefusedAndNeverTrap() {
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for number in 0..<Self.mutants {
            let text = Self.mutant(number, &random)
            do throws(AWSError) {
                var inputs = Self.inputs
                if number % 2 == 0 {
                    _ = try ConditionParser.condition(text, of: "ConditionExpression", &inputs).holds(of: Self.item)
                } else {
                    _ = try UpdateParser.program(text, &inputs).applied(to: Self.item)
                }
                try inputs.checkUsed()
            } catch {
                #expect(error.name == .validation)
                refused += 1
            }
        }
        #expect(refused > Self.mutants / 2)
    }

    private static func mutant(_ number: Int, _ random: inout SystemRandomNumberGenerator) -> String {
        if number % 4 < 2 {
            return (0..<Int.random(in: 1...24, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        }
        var bytes = (whole.randomElement(using: &random) ?? "").bytes
        for _ in 0...Int.random(in: 0...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0...2, using: &random) {
            case 0: bytes[place] = .random(in: 32...126, using: &random)
            case 1 where bytes.count > 1: bytes.remove(at: place)
            default: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").bytes, at: place)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
