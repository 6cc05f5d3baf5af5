/// POSITION(part IN text): where the part begins, counted from 1; 0 when it does not occur, 1 for an empty part.
extension ScalarFunction {
    static let position = ScalarFunction(
        "POSITION", [.text, .text], returns: { _ in .integer }, example: (sql: "POSITION('race' IN 'millrace')", gives: "5")
    ) { columns, type, context in
        let (parts, texts) = (columns[0].byteColumn, columns[1].byteColumn)
        return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
            let position = parts.bytes.withUnsafeBytes { partBytes in
                texts.bytes.withUnsafeBytes { textBytes in
                    offset(
                        of: UnsafeRawBufferPointer(rebasing: partBytes[parts.range(row)]),
                        in: UnsafeRawBufferPointer(rebasing: textBytes[texts.range(row)]))
                }
            }
            builder.append(Int64(position))
        }
    }.with { $0.isInfallible = true }
}

private func offset(of part: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer) -> Int {
    guard let first = part.first else { return 1 }
    guard text.count >= part.count else { return 0 }
    for start in 0...(text.count - part.count) where text[start] == first {
        if text[start..<(start + part.count)].elementsEqual(part) {
            return UnsafeRawBufferPointer(rebasing: text[..<start]).scalarCount + 1
        }
    }
    return 0
}
