/// Conversions to and from text, and to other lengths of text.

enum TextCast {
    /// Text (or binary) with another length. CHAR is padded; surplus blanks go; other surplus is cut in assignments, else a row error.
    static func fit(_ column: Column, _ type: SQLType, _ mode: CastMode, _ context: inout EvaluationContext) -> Column {
        guard let length = type.length else { return column }
        let values = column.byteColumn
        if !type.isChar, !type.isBinaryFixed, let own = column.type.length, own <= length {
            return Column(type, column.values, nulls: column.nulls)
        }
        return Kernel.eachRow([column], type, &context) { row, builder throws(RowFailure) in
            let range = values.range(row)
            let failure = values.bytes.withUnsafeBytes { bytes in
                append(UnsafeRawBufferPointer(rebasing: bytes[range]), type, length, mode, to: &builder)
            }
            if let failure { throw failure }
        }
    }

    /// Appends text or binary, fitted to a type's length.
    static func append(
        _ value: UnsafeRawBufferPointer, _ type: SQLType, _ length: Int, _ mode: CastMode, to builder: inout ColumnBuilder
    ) -> RowFailure? {
        let isBinary = type.isBinary
        // Text has at most as many characters as bytes.
        let size = isBinary || value.count <= length && !type.isChar ? value.count : value.scalarCount
        if size > length {
            let kept = isBinary ? UnsafeRawBufferPointer(rebasing: value[..<length]) : value.prefixScalars(length)
            let surplus = value[kept.count...]
            let isPadding = !isBinary && surplus.allSatisfy { $0 == UInt8(ascii: " ") }
            guard mode != .explicit || isPadding else {
                return .conversion("The value is longer than \(type).")
            }
            builder.append(bytes: kept)
            return nil
        }
        if (type.isChar || type.isBinaryFixed) && size < length {
            let padding = type.isChar ? UInt8(ascii: " ") : 0
            builder.append(bytes: Array(value) + [UInt8](repeating: padding, count: length - size))
        } else {
            builder.append(bytes: value)
        }
        return nil
    }

    /// Values of other types as text.
    static func write(_ column: Column, _ type: SQLType, _ mode: CastMode, _ context: inout EvaluationContext) -> Column {
        guard let length = type.length else { return column }
        var text: [UInt8] = []
        return Kernel.eachRow([column], type, &context) { row, builder throws(RowFailure) in
            text.removeAll(keepingCapacity: true)
            appendText(column, row, to: &text)
            let failure = text.withUnsafeBytes { append($0, type, length, mode, to: &builder) }
            if let failure { throw failure }
        }
    }

    /// Appends the text of a value that is not NULL.
    static func appendText(_ column: Column, _ row: Int, to text: inout [UInt8]) {
        let (values, row) = column.cell(row)
        switch (values, column.type) {
        case (.booleans(let values), _): text.append(contentsOf: (values[row] ? "TRUE" : "FALSE").utf8)
        case (.doubles(let values), let type):
            text.append(contentsOf: DoubleText.sqlText(values[row], isReal: type == .real).utf8)
        case (.bytes(let values), _): text.append(contentsOf: values.bytes[values.range(row)])
        case (.integers(let values), .date): CivilTime.appendDate(values[row], to: &text)
        case (.integers(let values), .time): CivilTime.appendTime(values[row], fraction: .whenNotZero, to: &text)
        case (.integers(let values), .timestamp): CivilTime.appendTimestamp(values[row], fraction: .whenNotZero, to: &text)
        case (.integers(let values), .interval(let qualifier)): IntervalText.append(values[row], qualifier, to: &text)
        case (.integers(let values), let type):
            DecimalDigits.append(values[row], scale: type.exactDigits?.scale ?? 0, to: &text)
        }
    }

    /// Text as a value of another type; blanks around it do not matter.
    static func read(_ column: Column, _ type: SQLType, _ context: inout EvaluationContext) -> Column {
        let texts = column.byteColumn
        return Kernel.eachRow([column], type, &context) { row, builder throws(RowFailure) in
            let range = texts.range(row)
            let value = texts.bytes.withUnsafeBytes {
                parse(UnsafeRawBufferPointer(rebasing: $0[range]).trimmingBlanks, type)
            }
            guard let value else { throw .conversion("'\(String(texts.text(row).prefix(200)))' is no \(type).") }
            builder.append(value)
        }
    }

    private static func parse(_ text: UnsafeRawBufferPointer, _ type: SQLType) -> SQLValue? {
        switch type {
        case .boolean:
            switch String(decoding: text, as: UTF8.self).uppercased() {
            case "TRUE": return .boolean(true)
            case "FALSE": return .boolean(false)
            case "UNKNOWN": return .null
            default: return nil
            }
        case .real: return DoubleText.parseReal(text).map(SQLValue.double)
        case .double: return DoubleText.parse(text).map(SQLValue.double)
        case .date: return CivilTime.parseDate(text).map(SQLValue.integer)
        case .time: return CivilTime.parseTime(text).map(SQLValue.integer)
        case .timestamp: return CivilTime.parseTimestamp(text).map(SQLValue.integer)
        case .interval(let qualifier):
            return IntervalText.parse(String(decoding: text, as: UTF8.self), qualifier).map(SQLValue.integer)
        default:
            guard let digits = type.exactDigits,
                let value = try? DecimalDigits.parse(text, scale: digits.scale, rounding: true), type.integerRange.contains(value)
            else { return nil }
            return .integer(value)
        }
    }
}

extension SQLType {
    /// BINARY(n), which is padded with zero bytes.
    var isBinaryFixed: Bool {
        if case .binary = self { return true }
        return false
    }
}
