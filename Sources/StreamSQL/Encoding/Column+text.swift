/// Values of a column as plain texts, for people.

extension Column {
    /// A value as text, as CSV has it but without quotes; nil for NULL.
    package func text(_ row: Int) -> String? {
        if isNull(row) { return nil }
        var text: [UInt8] = []
        let (values, row) = cell(row)
        switch values {
        case .booleans(let values): return values[row] ? "true" : "false"
        case .doubles(let values): DoubleText.append(values[row], isReal: type == .real, to: &text)
        case .integers(let values): PlainText.append(values[row], type, to: &text)
        case .bytes(let values):
            guard !type.isBinary else {
                values.bytes.withUnsafeBytes { Base64.append(UnsafeRawBufferPointer(rebasing: $0[values.range(row)]), to: &text) }
                break
            }
            text = Array(values.bytes[values.range(row)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
