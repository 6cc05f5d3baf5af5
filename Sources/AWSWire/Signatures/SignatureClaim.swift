/// What a request says of its own signature, in its Authorization header or in its query.

/// A signature of version 4 as claimed; nothing of it is believed yet.
package struct SignatureClaim: Sendable, Equatable {
    package var scope: CredentialScope
    /// In lower case, as listed.
    package var signedHeaders: [String]
    package var signature: [UInt8]
    /// When it was made, in the form that is signed: `yyyyMMddTHHmmssZ`.
    package var time: String
    /// `time` in seconds since 1970-01-01 UTC.
    package var seconds: Int64
    /// For how many seconds a presigned request is good; nil for a header.
    package var lifetime: Int64?
    package var sessionToken: String?

    static let algorithm = "AWS4-HMAC-SHA256"
    /// A presigned request is good for a week at most.
    private static let longestLifetime: Int64 = 604_800
    /// The most headers that are looked for.
    private static let mostHeaders = 64

    /// Reads a head.
    /// - Throws: `.missingAuthenticationToken`, `.incompleteSignature`, `.invalidSignature`, in the words of the service.
    package init(_ head: RequestHead) throws(AWSError) {
        let query = head.query ?? ""
        let isPresigned = !query.isEmpty && (query.contains("X-Amz-Signature=") || query.contains("X-Amz-Algorithm="))
        switch (head[.authorization], isPresigned) {
        case (.some, true):
            throw AWSError(
                .invalidSignature, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
        case (let authorization?, false): try self.init(authorization, head)
        case (nil, true): try self.init(query: query)
        case (nil, false): throw AWSError(.missingAuthenticationToken, "Missing Authentication Token")
        }
    }

    private init(_ authorization: String, _ head: RequestHead) throws(AWSError) {
        guard !head.repeated.contains(.authorization) else {
            throw AWSError(.incompleteSignature, "A request has one Authorization header.")
        }
        guard authorization.hasPrefix(Self.algorithm) else {
            throw AWSError(.incompleteSignature, "Unsupported AWS 'algorithm': '\(authorization.prefix { $0 != " " })'.")
        }
        let parameters = Self.parameters(authorization)
        let amzDate = head.value("x-amz-date")
        let date = amzDate ?? head.value("date")
        var missing = ["Credential", "Signature", "SignedHeaders"].filter { (parameters[Substring($0)] ?? "").isEmpty }
            .map { "Authorization header requires '\($0)' parameter." }
        if date == nil {
            missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        }
        guard missing.isEmpty, let date, let credential = parameters["Credential"], let signature = parameters["Signature"],
            let headers = parameters["SignedHeaders"]
        else { throw AWSError(.incompleteSignature, "\(missing.joined(separator: " ")) Authorization=\(authorization)") }
        guard let seconds = SignatureTime.seconds(date) ?? (amzDate == nil ? SignatureTime.seconds(httpDate: date) : nil) else {
            throw AWSError(
                .incompleteSignature,
                "Date must be in ISO-8601 'basic format'. Got '\(date)'. See http://en.wikipedia.org/wiki/ISO_8601")
        }
        try self.init(credential, headers, signature, seconds, lifetime: nil, token: head.value("x-amz-security-token"))
    }

    /// The `name=value` parts. By bytes, for every call comes by here: characters would take several times as long.
    private static func parameters(_ authorization: String) -> [Substring: Substring] {
        var parameters: [Substring: Substring] = [:]
        let parts = authorization.utf8.dropFirst(algorithm.utf8.count)
            .split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") }
        for part in parts {
            guard let mark = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
            parameters[Substring(part[..<mark])] = Substring(part[part.index(after: mark)...])
        }
        return parameters
    }

    private init(query: String) throws(AWSError) {
        var parameters: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1]) : ""
            parameters[Self.text(String(parts[0]))] = Self.text(value)
        }
        let names = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"]
        let missing = names.filter { (parameters[$0] ?? "").isEmpty }.map { "AWS query-string parameters must include '\($0)'." }
        guard missing.isEmpty, parameters["X-Amz-Algorithm"] == Self.algorithm, let credential = parameters["X-Amz-Credential"],
            let signature = parameters["X-Amz-Signature"], let headers = parameters["X-Amz-SignedHeaders"],
            let date = parameters["X-Amz-Date"], let seconds = SignatureTime.seconds(date)
        else {
            throw AWSError(
                .incompleteSignature, (missing + ["Re-examine the query-string parameters."]).joined(separator: " "))
        }
        guard let lifetime = Int64(parameters["X-Amz-Expires"] ?? "300"), (1...Self.longestLifetime).contains(lifetime) else {
            throw AWSError(.invalidSignature, "X-Amz-Expires must be a number of seconds from 1 to \(Self.longestLifetime).")
        }
        try self.init(
            Substring(credential), Substring(headers), Substring(signature), seconds, lifetime: lifetime,
            token: parameters["X-Amz-Security-Token"])
    }

    private init(
        _ credential: Substring, _ headers: Substring, _ signature: Substring, _ seconds: Int64, lifetime: Int64?, token: String?
    ) throws(AWSError) {
        guard let scope = CredentialScope(credential: credential) else {
            throw AWSError(
                .incompleteSignature,
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '\(credential)'")
        }
        guard Self.isRegion(scope.region) else {
            throw AWSError(.invalidSignature, "Credential should be scoped to a valid region.")
        }
        let time = SignatureTime.text(seconds)
        guard scope.date == time.prefix(8) else {
            throw AWSError(
                .invalidSignature,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '\(scope.date)' != '\(time.prefix(8))', from '\(time)'."
            )
        }
        self.scope = scope
        self.time = time
        self.seconds = seconds
        self.lifetime = lifetime
        sessionToken = token
        signedHeaders = headers.utf8.split(separator: UInt8(ascii: ";")).map { Substring($0).lowercased() }
        guard signedHeaders.contains("host"), signedHeaders.count <= Self.mostHeaders else {
            throw AWSError(.invalidSignature, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
        }
        guard let bytes = Hexadecimal.bytes(signature), bytes.count == SHA256.byteCount else { throw .signatureDiffers }
        self.signature = bytes
    }

    private static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "-")
            }
    }

    private static func text(_ encoded: String) -> String { String(decoding: PercentCoding.decoded(encoded), as: UTF8.self) }
}

extension CredentialScope {
    /// `AKID/20261121/us-east-1/kinesis/aws4_request`; nil for another form. An access key id may itself hold slashes.
    init?(credential: Substring) {
        let parts = credential.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
        guard parts.count >= 5, parts.last == "aws4_request", !parts.contains("") else { return nil }
        accessKeyID = parts.dropLast(4).joined(separator: "/")
        (date, region, service) = (
            String(parts[parts.count - 4]), String(parts[parts.count - 3]), String(parts[parts.count - 2])
        )
    }

    /// As it is signed: all but the key.
    var signedText: String { "\(date)/\(region)/\(service)/aws4_request" }
}

extension AWSError {
    /// The signature is not that of the request and the key.
    static let signatureDiffers = AWSError(.invalidSignature, signatureDiffersMessage)
    package static let signatureDiffersMessage =
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
}
