/// UPPER(text): in upper case. A character stays one: ß, which has no upper case of one character, stays as it is.
extension ScalarFunction {
    static let upper = ScalarFunction("UPPER", [.text], returns: { $0[0] }, example: (sql: "UPPER('AbC')", gives: "ABC")) {
        columns, type, _ in
        columns[0].mapText(type, ascii: { $0 &- UInt8(ascii: "a") < 26 ? $0 & 0xDF : $0 }) { $0.mapScalars(\.inUpperCase) }
    }.with { $0.isInfallible = true }
}
