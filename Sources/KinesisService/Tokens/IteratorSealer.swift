/// Seals what iterators say, so that clients can hold them but not make or change them: for every GetRecords opens one and makes one.

package import AWSWire
internal import CCrypto
import Synchronization

/// Base64 of a serial number, the iterator's bytes and a code of both (`SipHash`).
///
/// Iterators tell their holder nothing that it does not know, so they are not encrypted. No two are equal: each has another serial number.
package final class IteratorSealer: Sendable {
    /// Nil when it could not be made: nothing opens then.
    private let authenticator: SipHash?
    private let serial = Atomic<UInt64>(0)
    private static let serialCount = 8
    private static let codeCount = 16

    /// - Parameter secret: any number of bytes; the same secret opens what an earlier process sealed.
    init(secret: [UInt8]) {
        let info = Array("millrace kinesis iterators 1".utf8)
        var key: (UInt64, UInt64) = (0, 0)
        let isMade = withUnsafeMutableBytes(of: &key) {
            CCrypto_hkdf_sha256(secret, secret.count, info, info.count, $0.baseAddress, $0.count) == 1
        }
        authenticator = isMade ? SipHash(key: key) : nil
    }

    package func seal(_ bytes: [UInt8]) throws(AWSError) -> String {
        guard let authenticator else { throw AWSError(.internalFailure, "An iterator could not be sealed.") }
        var sealed: [UInt8] = []
        sealed.reserveCapacity(Self.serialCount + bytes.count + Self.codeCount)
        withUnsafeBytes(of: serial.add(1, ordering: .relaxed).newValue) { sealed.append(contentsOf: $0) }
        sealed += bytes
        let code = sealed.withUnsafeBytes { authenticator.code($0) }
        withUnsafeBytes(of: code) { sealed.append(contentsOf: $0) }
        return Base64.encode(sealed)
    }

    /// What was sealed; nil when the text is not of this service or was changed.
    package func open(_ text: String) -> [UInt8]? {
        guard let authenticator, let sealed = Base64.decode(text), sealed.count >= Self.serialCount + Self.codeCount else {
            return nil
        }
        let end = sealed.count - Self.codeCount
        let difference = sealed.withUnsafeBytes { bytes in
            let code = authenticator.code(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            // All bits are compared at once, so that the time tells nothing of how many agree.
            return (code.0 ^ bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self))
                | (code.1 ^ bytes.loadUnaligned(fromByteOffset: end + 8, as: UInt64.self))
        }
        return difference == 0 ? Array(sealed[Self.serialCount..<end]) : nil
    }
}
