/// INITCAP(text): the first letter of each word in upper case, the others in lower case; blanks part words.
extension ScalarFunction {
    static let initcap = ScalarFunction(
        "INITCAP", [.text], returns: { $0[0] }, example: (sql: "INITCAP('blue MOON')", gives: "Blue Moon")
    ) { columns, type, context in
        columns[0].mapText(type) { text in
            var output = ""
            var startsWord = true
            for character in text {
                output += startsWord ? character.uppercased() : character.lowercased()
                startsWord = character == " "
            }
            return output
        }
    }
}

extension Column {
    /// Text from text; ASCII goes through `ascii` byte by byte when given.
    func mapText(_ type: SQLType, ascii: ((UInt8) -> UInt8)? = nil, _ body: (String) -> String) -> Column {
        let texts = byteColumn.plain
        if let ascii, texts.bytes.allSatisfy({ $0 < 0x80 }) {
            return Column(type, .bytes(ByteColumn(bytes: texts.bytes.map(ascii), ends: texts.ends)), nulls: nulls)
        }
        var mapped = ByteColumn()
        mapped.bytes.reserveCapacity(texts.bytes.count)
        mapped.ends.reserveCapacity(texts.count)
        for row in 0..<texts.count {
            mapped.bytes.append(contentsOf: body(texts.text(row)).utf8)
            mapped.ends.append(mapped.bytes.count)
        }
        return Column(type, .bytes(mapped), nulls: nulls)
    }
}
