/// CHAR_LENGTH(text), also CHARACTER_LENGTH: how many characters, the padding of CHAR included.
extension ScalarFunction {
    static let charLength = ScalarFunction(
        "CHAR_LENGTH", [.text], returns: { _ in .integer }, example: (sql: "CHAR_LENGTH(CAST('fred' AS CHAR(16)))", gives: "16")
    ) { columns, type, context in
        let texts = columns[0].byteColumn
        let lengths = texts.bytes.withUnsafeBytes { bytes in
            (0..<context.count).map { Int64(UnsafeRawBufferPointer(rebasing: bytes[texts.range($0)]).scalarCount) }
        }
        return Column(type, .integers(lengths), nulls: columns[0].nulls)
    }.with {
        $0.aliases = ["CHARACTER_LENGTH"]
        $0.isInfallible = true
    }
}
