/// The certificate and key that a listener shows, replaced while it runs.

internal import CTLS
import Synchronization

/// Why a certificate and its key cannot be used, in words.
public enum TLSFault: Error, Equatable, CustomStringConvertible {
    /// The file holds no certificate in PEM, or one that cannot be read.
    case certificate(String)
    /// The file holds no private key in PEM, or one that is encrypted.
    case key(String)
    /// The key is not that of the first certificate.
    case otherKey
    /// OpenSSL's rules refuse them.
    case refused(String)
    case noMemory

    public var description: String {
        switch self {
        case .certificate(let reason): "the certificate is not PEM that can be read (\(reason))"
        case .key(let reason): "the key is not PEM that can be read without a password (\(reason))"
        case .otherKey: "the key is not that of the first certificate"
        case .refused(let reason): "OpenSSL refuses them (\(reason))"
        case .noMemory: "memory is short"
        }
    }
}

/// A certificate with those that vouch for it, and its key. New connections get what was set last; those that are open keep what they have.
public final class TLSIdentity: Sendable {
    private let current: Mutex<TLSContext>

    /// - Parameters:
    ///   - certificate: PEM, the server's own first, then those that vouch for it.
    ///   - key: PEM, not encrypted.
    public init(certificate: [UInt8], key: [UInt8]) throws(TLSFault) {
        current = Mutex(try TLSContext(certificate: certificate, key: key))
    }

    /// Shows another certificate from now on. When it throws, the one before stays.
    public func replace(certificate: [UInt8], key: [UInt8]) throws(TLSFault) {
        let context = try TLSContext(certificate: certificate, key: key)
        current.withLock { $0 = context }
    }

    /// When the certificate ends, in seconds since 1970 UTC.
    public var expires: Int64 { context.expires }

    var context: TLSContext { current.withLock { $0 } }
}

/// OpenSSL's own form of it; nothing in it changes.
final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    let expires: Int64

    init(certificate: [UInt8], key: [UInt8]) throws(TLSFault) {
        var expires: Int64 = 0
        var fault = CTLS_no_fault
        var reason = [CChar](repeating: 0, count: Int(CTLS_reason_bytes))
        let made = certificate.withUnsafeBytes { certificate in
            key.withUnsafeBytes { key in
                CTLS_server(certificate.baseAddress, certificate.count, key.baseAddress, key.count, &expires, &fault, &reason)
            }
        }
        guard let made else { throw Self.fault(fault, reason) }
        pointer = made
        self.expires = expires
    }

    private static func fault(_ fault: CTLS_fault, _ reason: [CChar]) -> TLSFault {
        let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return switch fault {
        case CTLS_bad_certificate: .certificate(text)
        case CTLS_bad_key: .key(text)
        case CTLS_other_key: .otherKey
        case CTLS_no_memory: .noMemory
        default: .refused(text)
        }
    }

    deinit { CTLS_context_destroy(pointer) }
}
