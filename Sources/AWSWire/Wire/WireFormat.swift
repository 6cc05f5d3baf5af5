/// In which encoding a request and its answer travel: the one seam where another encoding is added.

/// An encoding of the AWS JSON protocols.
public enum WireFormat: Hashable, Sendable {
    /// `application/x-amz-json-1.1`.
    case json11
    /// `application/x-amz-json-1.0`.
    case json10
    /// `application/x-amz-cbor-1.1`, which the SDKs for Java, the KCL and the KPL speak unless told otherwise.
    case cbor11
    /// `application/cbor` of the protocol rpc-v2-cbor, in which CloudWatch is called: the operation stands in the path, times are seconds.
    case rpcCBOR

    /// - Parameter contentType: a Content-Type header's value; parameters after `;` do not matter.
    public init?(contentType: String) {
        switch WireFormat.mediaType(contentType) {
        case "application/x-amz-json-1.1": self = .json11
        case "application/x-amz-json-1.0": self = .json10
        case "application/x-amz-cbor-1.1": self = .cbor11
        default: return nil
        }
    }

    public var contentType: StaticString {
        switch self {
        case .json11: "application/x-amz-json-1.1"
        case .json10: "application/x-amz-json-1.0"
        case .cbor11: "application/x-amz-cbor-1.1"
        case .rpcCBOR: "application/cbor"
        }
    }

    /// Parses a body.
    /// - Throws: `.serialization`.
    func parse(_ body: [UInt8], depthLimit: Int = WireDocument.depthLimit) throws(AWSError) -> WireDocument {
        switch self {
        case .json10, .json11:
            do throws(JSONError) { return try WireDocument(json: body, depthLimit: depthLimit) } catch {
                throw AWSError(.serialization)
            }
        case .cbor11, .rpcCBOR:
            do throws(CBORError) {
                return try WireDocument(cbor: body, depthLimit: depthLimit, hasSeconds: self == .rpcCBOR)
            } catch {
                throw AWSError(.serialization)
            }
        }
    }

    /// The part of a Content-Type before its parameters, in lower case.
    static func mediaType(_ contentType: String) -> String {
        let type = contentType.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return type.filter { $0 != " " && $0 != "\t" }.lowercased()
    }
}
