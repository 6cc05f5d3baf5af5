/// LOWER(text): in lower case.
extension ScalarFunction {
    static let lower = ScalarFunction("LOWER", [.text], returns: { $0[0] }, example: (sql: "LOWER('AbC')", gives: "abc")) {
        columns, type, _ in
        columns[0].mapText(type, ascii: { $0 &- UInt8(ascii: "A") < 26 ? $0 | 0x20 : $0 }) { $0.mapScalars(\.inLowerCase) }
    }.with { $0.isInfallible = true }
}
