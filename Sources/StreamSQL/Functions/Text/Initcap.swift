/// INITCAP(text): the first letter of each word in upper case, the others in lower case; blanks part words.
extension ScalarFunction {
    static let initcap = ScalarFunction(
        "INITCAP", [.text], returns: { $0[0] }, example: (sql: "INITCAP('blue MOON')", gives: "Blue Moon")
    ) { columns, type, context in
        columns[0].mapText(type) { text in
            var startsWord = true
            return text.mapScalars { scalar in
                defer { startsWord = scalar == " " }
                return startsWord ? scalar.inUpperCase : scalar.inLowerCase
            }
        }
    }
}

extension Unicode.Scalar {
    /// In upper case, where that is one character; text must not grow beyond its type.
    var inUpperCase: Unicode.Scalar {
        let mapped = properties.uppercaseMapping.unicodeScalars
        return mapped.count == 1 ? mapped.first ?? self : self
    }
    /// In lower case; what is more than the letter itself (the dot above of İ) is left out.
    var inLowerCase: Unicode.Scalar { properties.lowercaseMapping.unicodeScalars.first ?? self }
}

extension String {
    /// The text with each character changed to one other.
    func mapScalars(_ change: (Unicode.Scalar) -> Unicode.Scalar) -> String {
        var mapped = UnicodeScalarView()
        for scalar in unicodeScalars { mapped.append(change(scalar)) }
        return String(mapped)
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
