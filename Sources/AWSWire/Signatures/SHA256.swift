/// SHA-256 and HMAC: what signatures of version 4 are made of.

internal import CCrypto

/// Digests of 32 bytes (FIPS 180-4; RFC 2104 for HMAC).
package enum SHA256 {
    package static let byteCount = 32

    package static func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { digest, count in
            CCrypto_sha256(bytes.baseAddress, bytes.count, digest.baseAddress)
            count = byteCount
        }
    }

    package static func code(_ bytes: UnsafeRawBufferPointer, key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { code, count in
            CCrypto_hmac_sha256(key, key.count, bytes.baseAddress, bytes.count, code.baseAddress)
            count = byteCount
        }
    }

    package static func code(_ text: String, key: [UInt8]) -> [UInt8] {
        var text = text
        return text.withUTF8 { code(UnsafeRawBufferPointer($0), key: key) }
    }

    /// Whether two codes are equal, in a time that tells nothing of where they differ.
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CCrypto_equal(left, right, left.count) != 0
    }
}

/// Bytes as hexadecimal digits in lower case.
package enum Hexadecimal {
    package static func text(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        append(bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    static func append(_ bytes: some Collection<UInt8>, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + 2 * bytes.count)
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 0xF))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }

    /// Nil for anything but pairs of digits.
    package static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
