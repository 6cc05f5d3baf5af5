/// Column values as CSV fields.

enum CSVText {
    /// Appends a field; NULL is an empty one, empty text is `""`.
    static func append(
        _ column: Column, _ row: Int, _ columnDelimiter: [UInt8], _ rowDelimiter: [UInt8], to output: inout [UInt8]
    ) {
        if column.isNull(row) { return }
        let (values, row) = column.cell(row)
        switch (values, column.type) {
        case (.booleans(let values), _): output.append(contentsOf: (values[row] ? "true" : "false").utf8)
        case (.doubles(let values), let type): DoubleText.append(values[row], isReal: type == .real, to: &output)
        case (.integers(let values), let type): PlainText.append(values[row], type, to: &output)
        case (.bytes(let values), let type):
            let range = values.range(row)
            values.bytes.withUnsafeBytes { bytes in
                let value = UnsafeRawBufferPointer(rebasing: bytes[range])
                if type.isBinary {
                    Base64.append(value, to: &output)
                } else if needsQuotes(value, columnDelimiter, rowDelimiter) {
                    appendQuoted(value, to: &output)
                } else {
                    output.append(contentsOf: value)
                }
            }
        }
    }

    private static func needsQuotes(_ value: UnsafeRawBufferPointer, _ column: [UInt8], _ row: [UInt8]) -> Bool {
        value.isEmpty
            || value.contains { $0 == UInt8(ascii: "\"") || $0 == 10 || $0 == 13 || $0 == column.first || $0 == row.first }
    }

    private static func appendQuoted(_ value: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in value {
            if byte == UInt8(ascii: "\"") { output.append(byte) }
            output.append(byte)
        }
        output.append(UInt8(ascii: "\""))
    }
}
