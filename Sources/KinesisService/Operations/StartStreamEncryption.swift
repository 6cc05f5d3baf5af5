/// StartStreamEncryption: notes the key that a stream is said to be encrypted with (Kinesis API, StartStreamEncryption).
///
/// Nothing is encrypted by it: there is no key service here, and who needs encryption at rest encrypts the disk. Clients that ask for it, and that
/// check for it, go on.

import AWSWire
import StreamStore

/// What StartStreamEncryption and StopStreamEncryption are asked.
struct EncryptionRequest: WireReadable, ChoosesStream {
    var encryptionType: String?
    var keyID: String?
    var streamName: String?
    var streamARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        encryptionType = try fields.string("EncryptionType")
        keyID = try fields.string("KeyId")
        streamName = try fields.string("StreamName")
        streamARN = try fields.string("StreamARN")
    }

    static let rules: [Rule<EncryptionRequest>] =
        [
            .member("encryptionType", \.encryptionType, .notNull, .oneOf(["NONE", "KMS"])),
            .member("keyId", \.keyID, .notNull, .minLength(1), .maxLength(2048)),
        ] + streamRules

    /// - Throws: `.invalidArgument` for another type than KMS, which alone can be started and stopped.
    func checkType() throws(AWSError) {
        guard encryptionType == "KMS" else { throw AWSError(.invalidArgument, "EncryptionType must be KMS.") }
    }
}

enum StartStreamEncryption: AWSOperation {
    typealias Request = EncryptionRequest
    static let rules = Request.rules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        try request.checkType()
        let stream = try await kinesis.stream(request)
        try await kinesis.changeAttributes(of: stream) { $0.keyID = request.keyID }
        return Nothing()
    }
}
