/// In which encoding a request and its answer travel: the one seam where another encoding is added.

/// An encoding of the AWS JSON protocols.
public enum WireFormat: Hashable, Sendable {
    /// `application/x-amz-json-1.1`.
    case json11
    /// `application/x-amz-json-1.0`.
    case json10

    /// - Parameter contentType: a Content-Type header's value; parameters after `;` do not matter.
    public init?(contentType: String) {
        switch WireFormat.mediaType(contentType) {
        case "application/x-amz-json-1.1": self = .json11
        case "application/x-amz-json-1.0": self = .json10
        default: return nil
        }
    }

    public var contentType: StaticString {
        switch self {
        case .json11: "application/x-amz-json-1.1"
        case .json10: "application/x-amz-json-1.0"
        }
    }

    /// Parses a body.
    func parse(_ body: [UInt8]) throws(JSONError) -> WireDocument {
        switch self {
        case .json10, .json11: try WireDocument(json: body)
        }
    }

    /// The part of a Content-Type before its parameters, in lower case.
    static func mediaType(_ contentType: String) -> String {
        let type = contentType.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return type.filter { $0 != " " && $0 != "\t" }.lowercased()
    }
}
