/// Who signed a request and for which region, as its Authorization header says. The signature itself is not looked at.

/// `AKID/20261121/us-east-1/kinesis/aws4_request` (AWS Signature Version 4, credential scope).
public struct CredentialScope: Hashable, Sendable {
    public var accessKeyID: String
    /// Such as `20261121`.
    public var date: String
    public var region: String
    public var service: String

    package init(accessKeyID: String, date: String, region: String, service: String) {
        self.accessKeyID = accessKeyID
        self.date = date
        self.region = region
        self.service = service
    }

    /// Nil when the header has no whole `Credential=` parameter.
    public init?(authorization: String) {
        for part in authorization.split(whereSeparator: { $0 == "," || $0 == " " }) where part.hasPrefix("Credential=") {
            self.init(credential: part.dropFirst("Credential=".count))
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
