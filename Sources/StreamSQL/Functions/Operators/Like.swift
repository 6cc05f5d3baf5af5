/// LIKE: `_` stands for one character, `%` for any number of them; case matters.
extension ScalarFunction {
    static let like = ScalarFunction(
        "LIKE", [.text, .text, .text], optional: 1, returns: { _ in .boolean },
        example: (sql: "'10%' LIKE '__!%' ESCAPE '!'", gives: "TRUE")
    ) { columns, _, context in evaluateLike(columns, wanted: true, &context) }

    static let notLike = ScalarFunction(
        "NOT LIKE", [.text, .text, .text], optional: 1, returns: { _ in .boolean },
        example: (sql: "'millrace' NOT LIKE 'mill_'", gives: "TRUE")
    ) { columns, _, context in evaluateLike(columns, wanted: false, &context) }
}

private func evaluateLike(_ columns: [Column], wanted: Bool, _ context: inout EvaluationContext) -> Column {
    let text = columns[0].byteColumn
    let patterns = columns[1].byteColumn
    let escapes = columns.count > 2 ? columns[2].byteColumn : nil
    var last: (pattern: ArraySlice<UInt8>, escape: ArraySlice<UInt8>?, compiled: LikePattern)?
    return Kernel.eachRow(columns, .boolean, &context) { row, builder throws(RowFailure) in
        let pattern = patterns.bytes[patterns.range(row)]
        let escape = escapes.map { $0.bytes[$0.range(row)] }
        let compiled: LikePattern
        if let last, last.pattern == pattern, last.escape == escape {
            compiled = last.compiled
        } else {
            compiled = try LikePattern(pattern, escape: escape)
            last = (pattern, escape, compiled)
        }
        let range = text.range(row)
        let matches = text.bytes.withUnsafeBytes { compiled.matches(UnsafeRawBufferPointer(rebasing: $0[range])) }
        builder.append(matches == wanted)
    }
}

/// A LIKE pattern, ready to be matched against UTF-8.
struct LikePattern: Sendable {
    private enum Element: Sendable { case byte(UInt8), one, any }
    private var elements: [Element] = []

    /// - Throws: when the escape is not one character, or is followed by something that needs no escape.
    init(_ pattern: ArraySlice<UInt8>, escape: ArraySlice<UInt8>?) throws(RowFailure) {
        let escape = escape.map(Array.init)
        if let escape, String(decoding: escape, as: UTF8.self).unicodeScalars.count != 1 {
            throw .argument("ESCAPE must be one character.")
        }
        var rest = pattern
        while let byte = rest.first {
            if let escape, rest.starts(with: escape) {
                rest = rest.dropFirst(escape.count)
                let isSpecial = rest.first == UInt8(ascii: "%") || rest.first == UInt8(ascii: "_")
                guard let escaped = rest.first, isSpecial || rest.starts(with: escape) else {
                    throw .argument("ESCAPE must stand before %, _ or itself.")
                }
                let literal = isSpecial ? [escaped] : escape
                elements += literal.map(Element.byte)
                rest = rest.dropFirst(literal.count)
                continue
            }
            switch byte {
            case UInt8(ascii: "%"): elements.append(.any)
            case UInt8(ascii: "_"): elements.append(.one)
            default: elements.append(.byte(byte))
            }
            rest = rest.dropFirst()
        }
    }

    /// On a mismatch only the last `%` is tried again one character further, which is enough and keeps the work bounded.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        var element = 0
        var index = 0
        var retry: (element: Int, index: Int)?
        while true {
            if element < elements.count {
                switch elements[element] {
                case .any:
                    retry = (element + 1, index)
                    element += 1
                    continue
                case .one where index < text.count:
                    index = text.nextScalar(after: index)
                    element += 1
                    continue
                case .byte(let byte) where index < text.count && text[index] == byte:
                    index += 1
                    element += 1
                    continue
                default: break
                }
            } else if index == text.count {
                return true
            }
            guard let last = retry, last.index < text.count else { return false }
            let next = text.nextScalar(after: last.index)
            retry = (last.element, next)
            (element, index) = (last.element, next)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The position after the UTF-8 character at `index`.
    func nextScalar(after index: Int) -> Int {
        var next = index + 1
        while next < count && self[next] & 0xC0 == 0x80 { next += 1 }
        return next
    }
}
