/// Puts answers together: headers for every answer, bodies for errors in each of the forms in which AWS sends them.

struct ReplyBuilder: Sendable {
    let requestID: String
    /// Of `x-amz-id-2`.
    let extendedID: String
    /// Whether the request had an Origin.
    let isCrossOrigin: Bool

    func success(_ body: [UInt8], _ format: WireFormat) -> AWSReply {
        AWSReply(status: 200, headers: headers(format.contentType), body: body)
    }

    func error(_ error: AWSError, _ format: WireFormat) -> AWSReply {
        AWSReply(
            status: error.name.status, headers: headers(format.contentType) + [.init("x-amzn-ErrorType", error.name.rawValue)],
            body: error.body(format), error: error.name)
    }

    /// The answer to what names no operation at all.
    func unauthorizable() -> AWSReply {
        xml(403, .accessDenied, "Unable to determine service/operation name to be authorized")
    }

    /// The answer to a content type that no protocol here has.
    func unknownOperationXML() -> AWSReply { xml(404, .unknownOperation, nil) }

    /// The answer to plain `application/json`, which AWS reads but has no operations for.
    func unversionedError() -> AWSReply {
        let body: JSONValue = ["Output": ["__type": "com.amazon.coral.service#UnknownOperationException"], "Version": "1.0"]
        return AWSReply(status: 404, headers: headers("application/json"), body: body.serialized, error: .unknownOperation)
    }

    /// An error without a message in CBOR (RFC 8949): a map of one pair of texts.
    func cborError(_ name: AWSError.Name) -> AWSReply {
        var body: [UInt8] = [0xA1]
        for text in ["__type", name.rawValue] {
            let length = UInt8(truncatingIfNeeded: text.utf8.count)
            body += length < 24 ? [0x60 | length] : [0x78, length]
            body += text.utf8
        }
        return AWSReply(status: name.status, headers: headers("application/x-amz-cbor-1.1"), body: body, error: name)
    }

    private func xml(_ status: Int, _ name: AWSError.Name, _ message: String?) -> AWSReply {
        let type = name.rawValue
        let body = message.map { "<\(type)>\n  <Message>\($0)</Message>\n</\(type)>\n" } ?? "<\(type)/>\n"
        return AWSReply(status: status, headers: headers(nil), body: Array(body.utf8), error: name)
    }

    private func headers(_ contentType: String?) -> [AWSReply.Header] {
        var headers = [AWSReply.Header("x-amzn-RequestId", requestID), AWSReply.Header("x-amz-id-2", extendedID)]
        if let contentType { headers.append(.init("Content-Type", contentType)) }
        guard isCrossOrigin else { return headers }
        headers.append(.init("Access-Control-Allow-Origin", "*"))
        headers.append(
            .init(
                "Access-Control-Expose-Headers",
                "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date"))
        return headers
    }
}
