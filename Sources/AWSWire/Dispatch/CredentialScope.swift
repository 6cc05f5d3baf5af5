/// Who signed a request and for which region, as its Authorization header says. The signature itself is not looked at.

/// `AKID/20261121/us-east-1/kinesis/aws4_request` (AWS Signature Version 4, credential scope).
public struct CredentialScope: Hashable, Sendable {
    public var accessKeyID: String
    /// Such as `20261121`.
    public var date: String
    public var region: String
    public var service: String

    /// Nil when the header has no whole `Credential=` parameter.
    public init?(authorization: String) {
        for part in authorization.split(whereSeparator: { $0 == "," || $0 == " " }) where part.hasPrefix("Credential=") {
            let scope = part.dropFirst("Credential=".count).split(separator: "/", omittingEmptySubsequences: false)
            guard scope.count >= 5, scope.last == "aws4_request" else { return nil }
            // An access key id may itself hold slashes.
            accessKeyID = scope.dropLast(4).joined(separator: "/")
            date = String(scope[scope.count - 4])
            region = String(scope[scope.count - 3])
            service = String(scope[scope.count - 2])
            return
        }
        return nil
    }
}
