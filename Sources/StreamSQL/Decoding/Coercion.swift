/// JSON values and CSV fields as SQL values (Developer Guide, "Mapping JSON Data Types to SQL Data Types").

/// The rules by which values of records become column values.
enum Coercion {
    /// Appends a JSON value to a column.
    static func append(
        _ value: JSONValue, _ type: SQLType, to builder: inout ColumnBuilder, scratch: inout [UInt8]
    ) throws(RowFailure) {
        switch value.kind {
        case .null: builder.appendNull()
        case .boolean(let truth): try append(truth, type, to: &builder)
        case .number: try appendNumber(value.raw, type, to: &builder)
        case .string:
            if value.hasEscapes {
                scratch.removeAll(keepingCapacity: true)
                value.appendText(to: &scratch)
                try appendText(scratch, type, to: &builder)
            } else {
                try appendText(value.raw, type, to: &builder)
            }
        case .array, .object:
            guard type.isCharacter else { throw .misfit(value.isArray ? "An array" : "An object", type) }
            fit(value.raw, type, to: &builder)
        }
    }

    private static func append(_ truth: Bool, _ type: SQLType, to builder: inout ColumnBuilder) throws(RowFailure) {
        switch type {
        case .boolean: builder.append(truth)
        case .real, .double: builder.append(truth ? 1.0 : 0.0)
        case .char, .varchar: Array((truth ? "true" : "false").utf8).withUnsafeBytes { fit($0, type, to: &builder) }
        case .varbinary: builder.append(bytes: [truth ? 1 : 0])
        case .binary(let length): builder.append(bytes: [UInt8](repeating: 0, count: max(0, length - 1)) + [truth ? 1 : 0])
        default:
            guard let digits = type.exactDigits else { throw .misfit("A boolean", type) }
            let one = DecimalDigits.power(digits.scale)
            guard !truth || type.integerRange.contains(one) else { throw .misfit("true", type) }
            builder.append(truth ? one : 0)
        }
    }

    private static func appendNumber(
        _ text: UnsafeRawBufferPointer, _ type: SQLType, to builder: inout ColumnBuilder
    ) throws(RowFailure) {
        switch type {
        case .boolean: builder.append(!isZero(text))
        case .char, .varchar: fit(text, type, to: &builder)
        case .real, .double:
            guard let value = type == .real ? DoubleText.parseReal(text) : DoubleText.parse(text) else { throw misfit(text, type) }
            builder.append(value)
        default: builder.append(try exact(text, type))
        }
    }

    /// The digits of a number's text; a fraction that the type cannot hold is a misfit.
    static func exact(_ text: UnsafeRawBufferPointer, _ type: SQLType) throws(RowFailure) -> Int64 {
        guard let digits = type.exactDigits, let value = try? DecimalDigits.parse(text, scale: digits.scale, rounding: false),
            type.integerRange.contains(value)
        else { throw misfit(text, type) }
        return value
    }

    private static func isZero(_ text: UnsafeRawBufferPointer) -> Bool {
        for byte in text {
            if byte | 0x20 == UInt8(ascii: "e") { return true }
            if UInt8(ascii: "1")...UInt8(ascii: "9") ~= byte { return false }
        }
        return true
    }

    private static func appendText(_ text: [UInt8], _ type: SQLType, to builder: inout ColumnBuilder) throws(RowFailure) {
        let misfit = text.withUnsafeBytes { bytes in
            do throws(RowFailure) {
                try appendText(bytes, type, to: &builder)
                return RowFailure?.none
            } catch {
                return error
            }
        }
        if let misfit { throw misfit }
    }

    /// Appends a JSON string or CSV field to a column.
    static func appendText(_ text: UnsafeRawBufferPointer, _ type: SQLType, to builder: inout ColumnBuilder) throws(RowFailure) {
        switch type {
        case .char, .varchar: fit(text, type, to: &builder)
        case .boolean: builder.append(String(decoding: text.prefix(8), as: UTF8.self).lowercased() == "true")
        case .binary, .varbinary:
            guard let bytes = hexLiteral(text) ?? Base64.decode(text) else { throw misfit(text, type) }
            bytes.withUnsafeBytes { fit($0, type, to: &builder) }
        case .real, .double:
            let text = text.trimmingBlanks
            guard let value = type == .real ? DoubleText.parseReal(text) : DoubleText.parse(text) else { throw misfit(text, type) }
            builder.append(value)
        case .date:
            guard let time = CivilTime.parseTimestamp(text.trimmingBlanks, .record) else { throw misfit(text, type) }
            builder.append(CivilTime.floorDivide(time, CivilTime.millisecondsPerDay))
        case .time:
            guard let time = CivilTime.parseTime(text.trimmingBlanks) else { throw misfit(text, type) }
            builder.append(time)
        case .timestamp:
            guard let time = CivilTime.parseTimestamp(text.trimmingBlanks, .record) else { throw misfit(text, type) }
            builder.append(time)
        default: builder.append(try exact(text.trimmingBlanks, type))
        }
    }

    /// Appends text or binary, silently cut to the type's length.
    static func fit(_ bytes: UnsafeRawBufferPointer, _ type: SQLType, to builder: inout ColumnBuilder) {
        _ = TextCast.append(bytes, type, type.length ?? .max, .assignment, to: &builder)
    }

    /// The bytes of `X'3F67A2'`.
    private static func hexLiteral(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count >= 3, text.count % 2 == 1, text[0] | 0x20 == UInt8(ascii: "x"), text[1] == UInt8(ascii: "'"),
            text[text.count - 1] == UInt8(ascii: "'")
        else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 2, to: text.count - 1, by: 2) {
            guard let high = hexDigit(text[index]), let low = hexDigit(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func misfit(_ text: UnsafeRawBufferPointer, _ type: SQLType) -> RowFailure {
        .misfit("'\(String(decoding: text.prefix(200), as: UTF8.self))'", type)
    }
}
