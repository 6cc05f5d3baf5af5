/// Numbers: one form, exact sums, the order of keys, what is refused.

import DynamoService
import Testing

@Suite struct NumberTests {
    @Test(arguments: [
        ("0", "0"), ("-0.00", "0"), ("1e2", "100"), ("-1.50E+1", "-15"), (".5", "0.5"), ("7.", "7"),
        ("1E-130", "0." + zeros(129) + "1"),
        ("9.9999999999999999999999999999999999999E125", "99999999999999999999999999999999999999" + zeros(88)),
        ("00000000000000000000000000000000000000000000001", "1"),
        ("1000000000000000000000000000000000000000000000", "1" + zeros(45)),
        ("0.00000000000000000000000000000000000000000000000000012", "0." + zeros(51) + "12"), ("+3e+0", "3"),
        ("0e999999999999", "0"),
    ])
    func haveOneForm(text: String, form: String) throws {
        #expect(String(decoding: try DynamoNumber(text.bytes).text, as: UTF8.self) == form)
    }

    @Test(arguments: [
        ("", DynamoNumber.Problem.notNumeric), ("-", .notNumeric), (".", .notNumeric), ("1e", .notNumeric), ("1e+", .notNumeric),
        ("0x1", .notNumeric), ("1 ", .notNumeric), ("NaN", .notNumeric), ("1.2.3", .notNumeric), ("1e1e1", .notNumeric),
        ("1e126", .tooLarge), ("-1e126", .tooLarge), ("1e-131", .tooSmall), ("1e99999999999999999999", .tooLarge),
        ("1e-99999999999999999999", .tooSmall), ("1" + zeros(37) + "1", .tooPrecise), ("0.1" + zeros(37) + "1", .tooPrecise),
    ])
    func areRefused(text: String, problem: DynamoNumber.Problem) {
        #expect(throws: problem) { try DynamoNumber(text.bytes) }
    }

    @Test(arguments: [
        ("1", "2", "3"), ("0.1", "0.2", "0.3"), ("-5", "5", "0"), ("1e37", "1", "1" + zeros(36) + "1"),
        ("99999999999999999999999999999999999999", "1", "1" + zeros(38)), ("1e38", "-1", "99999999999999999999999999999999999999"),
        ("-1e-130", "1e-130", "0"), ("3.5", "-10", "-6.5"), ("1e125", "0", "1" + zeros(125)),
    ])
    func areAddedExactly(left: String, right: String, sum: String) throws {
        let found = try DynamoNumber.sum(DynamoNumber(left.bytes), DynamoNumber(right.bytes))
        #expect(String(decoding: found.text, as: UTF8.self) == sum)
        #expect(found == (try DynamoNumber(sum.bytes)))
    }

    @Test(arguments: [
        ("1e38", "1", DynamoNumber.Problem.tooPrecise), ("1e125", "1e-130", .tooPrecise), ("9e125", "9e125", .tooLarge),
        ("5e38", "-1", .tooPrecise), ("99999999999999999999999999999999999999", "0.1", .tooPrecise),
    ])
    func sumsWithoutAnExactFormAreRefused(left: String, right: String, problem: DynamoNumber.Problem) {
        #expect(throws: problem) {
            try DynamoNumber.sum(DynamoNumber(left.bytes), DynamoNumber(right.bytes))
        }
    }

    /// In ascending order.
    private static let ascending = [
        "-9e125", "-1e100", "-12345.6", "-12345.59", "-2", "-1.0000000000000000000000000000000000001", "-1", "-0.5", "-1e-130",
        "0",
        "1e-130", "1e-129", "0.0999", "0.1", "0.11", "1", "1.1", "9", "10", "10.5", "99", "100", "1e37", "1e125", "9.9e125",
    ]

    @Test func compareAndSortAsKeysAlike() throws {
        let numbers = try Self.ascending.map { try DynamoNumber($0.bytes) }
        for (left, right) in zip(numbers, numbers.dropFirst()) {
            #expect(left < right)
            #expect(!(right < left))
            let keys = [left, right].map { KeyCoding.ordered(.number($0)) }
            #expect(keys[0].lexicographicallyPrecedes(keys[1]), "\(left.text) \(right.text)")
            #expect(!keys[1].starts(with: keys[0]))
        }
    }

    @Test func randomNumbersSurviveTheirTextTheirBytesAndTheirKeys() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let digits = (0..<Int.random(in: 1...38, using: &random)).map { _ in "\(Int.random(in: 0...9, using: &random))" }
                .joined()
            let text = (Bool.random(using: &random) ? "-" : "") + digits + "e\(Int.random(in: -120...80, using: &random))"
            let number = try DynamoNumber(text.bytes)
            #expect(try DynamoNumber(number.text) == number)
            let item: Item = ["n".bytes: .number(number), "set".bytes: .numberSet(of: [number])]
            #expect(try ItemCoding.decode(ItemCoding.encode(item)) == item)
        }
    }
}

private func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
