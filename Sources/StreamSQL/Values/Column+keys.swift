/// Keys for grouping and order for sorting.

import Glibc

extension Column {
    /// Appends a self-delimiting encoding of a row's value. Two rows of columns of one type give the same bytes exactly when SQL groups
    /// them together: NULLs are alike, as are 0.0 and -0.0.
    public func appendKeyBytes(_ row: Int, into key: inout [UInt8]) {
        if isNull(row) {
            key.append(0)
            return
        }
        key.append(1)
        let (values, row) = cell(row)
        switch values {
        case .booleans(let values): key.append(values[row] ? 1 : 0)
        case .integers(let values): appendWord(UInt64(bitPattern: values[row]), to: &key)
        case .doubles(let values):
            let value = values[row]
            appendWord(value == 0 ? 0 : value.isNaN ? Double.nan.bitPattern : value.bitPattern, to: &key)
        case .bytes(let values):
            let range = values.range(row)
            appendWord(UInt64(range.count), to: &key)
            values.bytes.withUnsafeBytes { key.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
    }

    private func appendWord(_ word: UInt64, to key: inout [UInt8]) {
        withUnsafeBytes(of: word.littleEndian) { key.append(contentsOf: $0) }
    }

    /// Orders two rows of columns of one type: negative, zero or positive. NULL is the largest value; text is ordered by code point.
    public func compare(_ row: Int, with other: Column, _ otherRow: Int) -> Int {
        switch (isNull(row), other.isNull(otherRow)) {
        case (true, true): return 0
        case (true, false): return 1
        case (false, true): return -1
        case (false, false): break
        }
        let (mine, row) = cell(row)
        let (others, otherRow) = other.cell(otherRow)
        switch (mine, others) {
        case (.booleans(let a), .booleans(let b)): return (a[row] ? 1 : 0) - (b[otherRow] ? 1 : 0)
        case (.integers(let a), .integers(let b)): return order(a[row], b[otherRow])
        case (.doubles(let a), .doubles(let b)): return order(a[row], b[otherRow])
        case (.bytes(let a), .bytes(let b)): return a.compare(row, with: b, otherRow, ignoringTrailingBlanks: false)
        default: preconditionFailure("columns of \(type) and \(other.type) are stored differently")
        }
    }

    private func order<Value: Comparable>(_ a: Value, _ b: Value) -> Int { a < b ? -1 : a > b ? 1 : 0 }
}

extension ByteColumn {
    /// Orders two rows by their bytes, which for UTF-8 is the order of code points.
    func compare(_ row: Int, with other: ByteColumn, _ otherRow: Int, ignoringTrailingBlanks: Bool) -> Int {
        bytes.withUnsafeBytes { mine in
            other.bytes.withUnsafeBytes { theirs in
                var a = UnsafeRawBufferPointer(rebasing: mine[range(row)])
                var b = UnsafeRawBufferPointer(rebasing: theirs[other.range(otherRow)])
                if ignoringTrailingBlanks {
                    a = a.withoutTrailingBlanks
                    b = b.withoutTrailingBlanks
                }
                let common = min(a.count, b.count)
                if common > 0, let p = a.baseAddress, let q = b.baseAddress {
                    let order = Int(memcmp(p, q, common))
                    if order != 0 { return order }
                }
                return a.count - b.count
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes are the same; both have the same count.
    func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard let a = baseAddress, let b = other.baseAddress else { return true }
        return memcmp(a, b, count) == 0
    }

    var withoutTrailingBlanks: UnsafeRawBufferPointer {
        var end = count
        while end > 0 && self[end - 1] == UInt8(ascii: " ") { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: self[..<end])
    }
}
