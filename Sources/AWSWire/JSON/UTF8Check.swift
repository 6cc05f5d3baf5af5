/// Checks that bytes are well-formed UTF-8 (Unicode 15, table 3-7).

enum UTF8Check {
    static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            let first = bytes[index]
            if first < 0x80 {
                index += 1
                continue
            }
            // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
            let (length, second): (Int, ClosedRange<UInt8>)
            switch first {
            case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: return false
            }
            guard length <= bytes.count - index, second.contains(bytes[index + 1]) else { return false }
            for later in (index + 2)..<max(index + 2, index + length) where bytes[later] & 0xC0 != 0x80 { return false }
            index += length
        }
        return true
    }
}
