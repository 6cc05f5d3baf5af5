/// The key that a secret gives for one day, region and service (AWS Signature Version 4, "Derive a signing key").

package struct SigningKey: Sendable {
    private let bytes: [UInt8]

    package init(secret: String, _ scope: CredentialScope) {
        var key = Array("AWS4\(secret)".utf8)
        for part in [scope.date, scope.region, scope.service, "aws4_request"] { key = SHA256.code(part, key: key) }
        bytes = key
    }

    /// The signature of a text.
    func code(_ text: String) -> [UInt8] { SHA256.code(text, key: bytes) }

    /// The signature of a canonical request.
    /// - Parameter time: `yyyyMMddTHHmmssZ`.
    package func signature(of request: CanonicalRequest, _ scope: CredentialScope, time: String) -> [UInt8] {
        var text = Array("\(SignatureClaim.algorithm)\n\(time)\n\(scope.signedText)\n".utf8)
        Hexadecimal.append(request.bytes.withUnsafeBytes { SHA256.digest($0) }, to: &text)
        return text.withUnsafeBytes { SHA256.code($0, key: bytes) }
    }
}
