/// StopStreamEncryption: a stream is no more said to be encrypted (Kinesis API, StopStreamEncryption).

import AWSWire
import StreamStore

enum StopStreamEncryption: AWSOperation {
    typealias Request = EncryptionRequest
    static let rules = Request.rules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        try request.checkType()
        let stream = try await kinesis.stream(request)
        try await kinesis.changeAttributes(of: stream) { $0.keyID = nil }
        return Nothing()
    }
}
