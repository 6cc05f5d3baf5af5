/// Seals what iterators and page tokens say, so that clients can hold them but neither read nor make them.

package import AWSWire
internal import CCrypto

/// Authenticated encryption (AES-256-GCM) of small values, as base64 of nonce, ciphertext and tag. The nonce is random, so no two seals are
/// equal.
package struct TokenSealer: Sendable {
    /// What a token is for; one made for one purpose does not open for another.
    package enum Purpose: String {
        /// Of versions before `IteratorSealer`.
        case shardIterator
        case shardsPage, streamsPage, consumersPage

        /// Of what is inside; its first byte. A change of a layout takes the next.
        var version: UInt8 { 1 }
    }

    /// Why a token does not open.
    package enum Failure: Error, Equatable {
        /// It is not of this service, or was changed.
        case invalid
        /// Another version of this service sealed it: as good as expired, for the caller can get a new one.
        case otherVersion(UInt8)
    }

    private static let nonceBytes = CCrypto_nonce_bytes
    private static let tagBytes = CCrypto_tag_bytes

    /// For iterators, of which there is one for each read.
    package let iterators: IteratorSealer
    /// Nil when it could not be made: nothing is sealed or opened then.
    private let key: [UInt8]?

    /// - Parameter secret: any number of bytes; the same secret opens what an earlier process sealed.
    package init(secret: [UInt8]) {
        let info = Array("millrace kinesis tokens 1".utf8)
        var key = [UInt8](repeating: 0, count: CCrypto_key_bytes)
        let isMade = CCrypto_hkdf_sha256(secret, secret.count, info, info.count, &key, key.count) == 1
        self.key = isMade ? key : nil
        iterators = IteratorSealer(secret: secret)
    }

    package func seal(_ bytes: [UInt8], for purpose: Purpose) throws(AWSError) -> String {
        let failure = AWSError(.internalFailure, "A token could not be sealed.")
        guard let key else { throw failure }
        let bytes = [purpose.version] + bytes
        let purpose = Array(purpose.rawValue.utf8)
        var sealed = [UInt8](repeating: 0, count: Self.nonceBytes + bytes.count + Self.tagBytes)
        let isSealed = sealed.withUnsafeMutableBufferPointer { sealed in
            guard let nonce = sealed.baseAddress, CCrypto_random(nonce, Self.nonceBytes) == 1 else { return false }
            let body = nonce + Self.nonceBytes
            return CCrypto_seal(key, nonce, purpose, purpose.count, bytes, bytes.count, body, body + bytes.count) == 1
        }
        guard isSealed else { throw failure }
        return Base64.encode(sealed)
    }

    /// What was sealed.
    package func open(_ text: String, for purpose: Purpose) throws(Failure) -> [UInt8] {
        guard let key, let sealed = Base64.decode(text), sealed.count > Self.nonceBytes + Self.tagBytes else { throw .invalid }
        let version = purpose.version
        let purpose = Array(purpose.rawValue.utf8)
        let count = sealed.count - Self.nonceBytes - Self.tagBytes
        var bytes = [UInt8](repeating: 0, count: count)
        let isOpened = sealed.withUnsafeBufferPointer { sealed in
            guard let nonce = sealed.baseAddress else { return false }
            let body = nonce + Self.nonceBytes
            return CCrypto_open(key, nonce, purpose, purpose.count, body, count, &bytes, body + count) == 1
        }
        guard isOpened, let found = bytes.first else { throw .invalid }
        guard found == version else { throw .otherVersion(found) }
        return [UInt8](bytes.dropFirst())
    }
}
