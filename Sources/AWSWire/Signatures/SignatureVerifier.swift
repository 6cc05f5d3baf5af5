/// Checks signatures: that a request was made, as it came, by who has the secret, and not long ago.

import Synchronization

package final class SignatureVerifier: Sendable {
    /// How far the clocks of client and server may be apart, in seconds.
    package static let skew: Int64 = 300
    /// How many signing keys are kept, so that one need not be derived for each request.
    private static let mostKeys = 1024

    private struct KeyName: Hashable {
        var accessKeyID: String
        var secret: String
        var scope: String
    }

    private let keys = Mutex<[KeyName: SigningKey]>([:])

    package init() {}

    /// - Parameters:
    ///   - body: as sent.
    ///   - now: seconds since 1970-01-01 UTC.
    /// - Throws: `.invalidSignature`, in the words of the service.
    package func verify(
        _ claim: SignatureClaim, of head: RequestHead, _ body: UnsafeRawBufferPointer, secret: String, now: Int64
    ) throws(AWSError) {
        try Self.checkTime(claim, now)
        try Self.checkHeaders(claim, head)
        let name = KeyName(accessKeyID: claim.scope.accessKeyID, secret: secret, scope: claim.scope.signedText)
        let known = keys.withLock { $0[name] }
        let key = known ?? SigningKey(secret: secret, claim.scope)
        let request = try Self.request(claim, head, body)
        guard SHA256.areEqual(key.signature(of: request, claim.scope, time: claim.time), claim.signature),
            head.seal?.isGenuine(key, claim.scope, time: claim.time, seed: claim.signature) ?? true
        else { throw .signatureDiffers }
        // Only what a holder of the secret asks for is kept.
        guard known == nil else { return }
        keys.withLock { keys in
            if keys.count >= Self.mostKeys { keys.removeAll() }
            keys[name] = key
        }
    }

    private static func checkTime(_ claim: SignatureClaim, _ now: Int64) throws(AWSError) {
        let (time, server) = (claim.time, SignatureTime.text(now))
        let oldest = now - (claim.lifetime ?? skew)
        guard claim.seconds >= oldest else {
            let minutes = (claim.lifetime ?? skew) / 60
            throw AWSError(
                .invalidSignature,
                "Signature expired: \(time) is now earlier than \(SignatureTime.text(oldest)) (\(server) - \(minutes) min.)")
        }
        guard claim.seconds <= now + skew else {
            throw AWSError(
                .invalidSignature,
                "Signature not yet current: \(time) is still later than \(SignatureTime.text(now + skew)) (\(server) + \(skew / 60) min.)"
            )
        }
    }

    /// What says which operation is meant, and for whom, must be signed, or who has seen one request could make another of it.
    private static func checkHeaders(_ claim: SignatureClaim, _ head: RequestHead) throws(AWSError) {
        for name in ["x-amz-target", "x-amz-security-token", "x-amz-decoded-content-length"]
        where !claim.signedHeaders.contains(name) {
            guard head.value(name) == nil else {
                throw AWSError(.invalidSignature, "'\(name)' must be a 'SignedHeader' in the AWS Authorization.")
            }
        }
        // Of two hosts or targets the door would obey the first, and both are signed as one.
        guard head.repeated.isDisjoint(with: [.host, .amzTarget]) else { throw .signatureDiffers }
    }

    private static func request(
        _ claim: SignatureClaim, _ head: RequestHead, _ body: UnsafeRawBufferPointer
    ) throws(AWSError) -> CanonicalRequest {
        CanonicalRequest(
            method: head.methodText, path: head.path, query: head.query, signedHeaders: claim.signedHeaders,
            payloadHash: head.seal?.form.rawValue ?? Hexadecimal.text(head.sentDigest ?? SHA256.digest(body)), isObjectStore: false
        ) { name, take in head.forEachValue(of: name, take) }
    }
}
