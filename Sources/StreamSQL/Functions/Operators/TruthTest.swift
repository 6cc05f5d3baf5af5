/// IS [NOT] NULL, TRUE, FALSE and UNKNOWN: tests that are never UNKNOWN themselves.

enum TruthTest {
    static let functions: [ScalarFunction] = [
        isNull("IS NULL", true, example: (sql: "1 IS NULL", gives: "FALSE")),
        isNull("IS NOT NULL", false, example: (sql: "'' IS NOT NULL", gives: "TRUE")),
        test("IS UNKNOWN", example: (sql: "(1 = NULL) IS UNKNOWN", gives: "TRUE")) { $0 == nil },
        test("IS NOT UNKNOWN", example: (sql: "(1 = 2) IS NOT UNKNOWN", gives: "TRUE")) { $0 != nil },
        test("IS TRUE", example: (sql: "UNKNOWN IS TRUE", gives: "FALSE")) { $0 == true },
        test("IS NOT TRUE", example: (sql: "UNKNOWN IS NOT TRUE", gives: "TRUE")) { $0 != true },
        test("IS FALSE", example: (sql: "(1 = 2) IS FALSE", gives: "TRUE")) { $0 == false },
        test("IS NOT FALSE", example: (sql: "UNKNOWN IS NOT FALSE", gives: "TRUE")) { $0 != false },
    ]

    private static func isNull(_ name: String, _ wanted: Bool, example: (sql: String, gives: String)) -> ScalarFunction {
        ScalarFunction(name, [.any], returns: { _ in .boolean }, example: example) { columns, _, context in
            let values = columns[0].nulls ?? [Bool](repeating: false, count: context.count)
            return Column(.boolean, .booleans(wanted ? values : values.map { !$0 }))
        }.with { $0.isInfallible = true }
    }

    private static func test(
        _ name: String, example: (sql: String, gives: String), _ holds: @escaping @Sendable (Bool?) -> Bool
    ) -> ScalarFunction {
        ScalarFunction(name, [.boolean], returns: { _ in .boolean }, example: example) { columns, _, context in
            let values = columns[0].booleans
            let nulls = columns[0].nulls
            return Column(.boolean, .booleans((0..<context.count).map { holds(nulls?[$0] == true ? nil : values[$0]) }))
        }.with { $0.isInfallible = true }
    }
}
