/// TRIM(LEADING | TRAILING | BOTH character FROM text): without that character at the ends.
extension ScalarFunction {
    static let trim = ScalarFunction(
        "TRIM", [.text, .text, .text], returns: { .varchar($0[2].length ?? 1) },
        example: (sql: "TRIM(BOTH 'x' FROM 'xxmillxx')", gives: "mill")
    ) { columns, type, context in
        let (specifications, characters, texts) = (columns[0].byteColumn, columns[1].byteColumn, columns[2].byteColumn)
        return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
            let specification = specifications.text(row)
            let character = characters.bytes[characters.range(row)]
            guard Array(character).withUnsafeBytes({ $0.scalarCount }) == 1 else {
                throw .argument("TRIM takes off one character.")
            }
            var text = texts.bytes[texts.range(row)]
            while specification != "TRAILING" && text.starts(with: character) { text = text.dropFirst(character.count) }
            while specification != "LEADING" && text.suffix(character.count) == character { text = text.dropLast(character.count) }
            builder.append(bytes: text)
        }
    }
}
