/// Addresses of machines and ranges of them, for conditions on where a call comes from.

import Glibc

/// Such as `203.0.113.0/24`, `2001:db8::/32`, or one address (RFC 4632, RFC 4291).
package struct AddressRange: Sendable, Hashable {
    private let bytes: [UInt8]
    private let prefix: Int

    /// Nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = Self.bytes(String(parts[0])) else { return nil }
        self.bytes = bytes
        guard parts.count == 2 else {
            prefix = 8 * bytes.count
            return
        }
        guard let prefix = Int(parts[1]), (0...8 * bytes.count).contains(prefix) else { return nil }
        self.prefix = prefix
    }

    package func contains(_ address: String) -> Bool {
        guard let other = Self.bytes(address), other.count == bytes.count else { return false }
        let whole = prefix / 8
        guard other[..<whole] == bytes[..<whole] else { return false }
        let rest = prefix % 8
        return rest == 0 || (other[whole] ^ bytes[whole]) >> UInt8(8 - rest) == 0
    }

    /// 4 or 16 bytes; an IPv4 address that was mapped into IPv6 is one of IPv4.
    private static func bytes(_ text: String) -> [UInt8]? {
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, text, &four) == 1 { return four }
        var sixteen = [UInt8](repeating: 0, count: 16)
        // A zone, as in `fe80::1%eth0`, is the machine's own affair.
        guard inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &sixteen) == 1 else { return nil }
        let isMapped = sixteen[..<10].allSatisfy { $0 == 0 } && sixteen[10] == 0xFF && sixteen[11] == 0xFF
        return isMapped ? Array(sixteen[12...]) : sixteen
    }
}
