/// Signs requests, for those who call a server that asks for signatures.

/// What signs: a key and its secret.
package struct SigningCredentials: Sendable, Equatable {
    package var accessKeyID: String
    package var secret: String
    package var sessionToken: String?

    package init(accessKeyID: String, secret: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secret = secret
        self.sessionToken = sessionToken
    }
}

/// A request that is to be signed.
package struct UnsignedRequest {
    package var method: String
    /// As it will be sent, host and port as in the Host header.
    package var host: String
    /// As it will be sent, without the query.
    package var path: String
    package var query: String?
    /// Names in lower case; host, date and token are added.
    package var headers: [(name: String, value: String)]

    package init(method: String, host: String, path: String, query: String? = nil, headers: [(name: String, value: String)] = []) {
        self.method = method
        self.host = host
        self.path = path
        self.query = query
        self.headers = headers
    }

    /// The headers to send beside the request's own.
    /// - Parameter seconds: now, since 1970-01-01 UTC.
    package func signature(
        _ body: UnsafeRawBufferPointer, _ credentials: SigningCredentials, region: String, service: String, at seconds: Int64
    ) -> [(name: String, value: String)] {
        let time = SignatureTime.text(seconds)
        let scope = CredentialScope(
            accessKeyID: credentials.accessKeyID, date: String(time.prefix(8)), region: region, service: service)
        var added = [(name: "x-amz-date", value: time)]
        if let token = credentials.sessionToken { added.append((name: "x-amz-security-token", value: token)) }
        let all = (headers + added + [(name: "host", value: host)]).sorted { $0.name < $1.name }
        let names = all.map(\.name)
        let request = CanonicalRequest(
            method: method, path: path, query: query, signedHeaders: names, payloadHash: Hexadecimal.text(SHA256.digest(body)),
            isObjectStore: service == "s3"
        ) { name, take in
            for header in all where header.name == name { Array(header.value.utf8).withUnsafeBytes(take) }
        }
        let signature = SigningKey(secret: credentials.secret, scope).signature(of: request, scope, time: time)
        let authorization =
            "\(SignatureClaim.algorithm) Credential=\(credentials.accessKeyID)/\(scope.signedText), "
            + "SignedHeaders=\(names.joined(separator: ";")), Signature=\(Hexadecimal.text(signature))"
        return added + [(name: "authorization", value: authorization)]
    }
}
