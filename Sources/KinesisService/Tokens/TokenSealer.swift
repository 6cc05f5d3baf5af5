/// Seals what iterators and page tokens say, so that clients can hold them but neither read nor make them.

import AWSWire
import Crypto
import FoundationEssentials

/// Authenticated encryption (AES-256-GCM) of small values, as base64. The nonce is random, so no two seals are equal.
struct TokenSealer: Sendable {
    /// What a token is for; one made for one purpose does not open for another.
    enum Purpose: String {
        case shardIterator, shardsPage, streamsPage
    }

    private let key: SymmetricKey

    /// - Parameter secret: any number of bytes; the same secret opens what an earlier process sealed.
    init(secret: [UInt8]) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Array("millrace kinesis tokens 1".utf8), outputByteCount: 32)
    }

    func seal(_ bytes: [UInt8], for purpose: Purpose) throws(AWSError) -> String {
        guard let box = try? AES.GCM.seal(bytes, using: key, authenticating: Array(purpose.rawValue.utf8)),
            let combined = box.combined
        else { throw AWSError(.internalFailure, "A token could not be sealed.") }
        return Base64.encode([UInt8](combined))
    }

    /// What was sealed; nil when the text is not of this service or was changed.
    func open(_ text: String, for purpose: Purpose) -> [UInt8]? {
        guard let sealed = Base64.decode(text), let box = try? AES.GCM.SealedBox(combined: sealed),
            let bytes = try? AES.GCM.open(box, using: key, authenticating: Array(purpose.rawValue.utf8))
        else { return nil }
        return [UInt8](bytes)
    }
}
