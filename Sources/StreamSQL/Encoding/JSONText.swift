/// Column values as JSON.

enum JSONText {
    /// Appends a value: numbers with all their digits, datetimes and binaries as strings.
    static func append(_ column: Column, _ row: Int, to output: inout [UInt8]) {
        if column.isNull(row) {
            output.append(contentsOf: "null".utf8)
            return
        }
        let (values, row) = column.cell(row)
        switch (values, column.type) {
        case (.booleans(let values), _): output.append(contentsOf: (values[row] ? "true" : "false").utf8)
        case (.doubles(let values), let type):
            // JSON has no infinity; the arithmetic here gives none either.
            if values[row].isFinite {
                DoubleText.append(values[row], isReal: type == .real, to: &output)
            } else {
                output.append(contentsOf: "null".utf8)
            }
        case (.bytes(let values), let type):
            let range = values.range(row)
            values.bytes.withUnsafeBytes { bytes in
                let value = UnsafeRawBufferPointer(rebasing: bytes[range])
                if type.isBinary {
                    output.append(quote)
                    Base64.append(value, to: &output)
                    output.append(quote)
                } else {
                    append(string: value, to: &output)
                }
            }
        case (.integers(let values), let type):
            if type.isExactNumeric {
                DecimalDigits.append(values[row], scale: type.exactDigits?.scale ?? 0, to: &output)
            } else {
                output.append(quote)
                PlainText.append(values[row], type, to: &output)
                output.append(quote)
            }
        }
    }

    private static let quote = UInt8(ascii: "\"")
    private static let hexDigits = Array("0123456789abcdef".utf8)

    /// Appends UTF-8 text as a JSON string; only quotes, backslashes and control characters are escaped.
    static func append(string text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.append(quote)
        var start = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == quote || byte == UInt8(ascii: "\\") else { continue }
            output.append(contentsOf: text[start..<index])
            start = index + 1
            output.append(UInt8(ascii: "\\"))
            switch byte {
            case 8: output.append(UInt8(ascii: "b"))
            case 9: output.append(UInt8(ascii: "t"))
            case 10: output.append(UInt8(ascii: "n"))
            case 12: output.append(UInt8(ascii: "f"))
            case 13: output.append(UInt8(ascii: "r"))
            case 0..<0x20:
                output.append(contentsOf: "u00".utf8)
                output.append(hexDigits[Int(byte >> 4)])
                output.append(hexDigits[Int(byte & 15)])
            default: output.append(byte)
            }
        }
        output.append(contentsOf: text[start...])
        output.append(quote)
    }

    static func append(string text: [UInt8], to output: inout [UInt8]) {
        text.withUnsafeBytes { append(string: $0, to: &output) }
    }
}

/// Datetimes as they are written to records.
enum PlainText {
    /// Appends a DATE, TIME or TIMESTAMP in its output form.
    static func append(_ value: Int64, _ type: SQLType, to output: inout [UInt8]) {
        switch type {
        case .date: CivilTime.appendDate(value, to: &output)
        case .time: CivilTime.appendTime(value, fraction: .never, to: &output)
        case .timestamp: CivilTime.appendTimestamp(value, fraction: .always, to: &output)
        case .interval(let qualifier): IntervalText.append(value, qualifier, to: &output)
        default: DecimalDigits.append(value, scale: type.exactDigits?.scale ?? 0, to: &output)
        }
    }
}
