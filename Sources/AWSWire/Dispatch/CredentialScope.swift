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

extension RequestHead {
    /// The region that a request was signed for: the client's, whichever that is. Nil where there is none, or none that could stand in an ARN.
    var signedRegion: String? {
        guard let scope = self[.authorization].flatMap(CredentialScope.init(authorization:)) else { return nil }
        let isRegion = scope.region.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-")
        }
        return isRegion && (1...64).contains(scope.region.utf8.count) ? scope.region : nil
    }
}
