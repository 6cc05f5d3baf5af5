/// The errors of all AWS services here: one table of names with their HTTP status.

/// An error as a caller sees it: type name and message.
public struct AWSError: Error, Hashable, Sendable, CustomStringConvertible {
    public var name: Name
    /// Nil where AWS sends none.
    public var message: String?

    public init(_ name: Name, _ message: String? = nil) {
        self.name = name
        self.message = message
    }

    public var description: String { message.map { "\(name.rawValue): \($0)" } ?? name.rawValue }

    /// The error types. The raw value is what stands in `__type`.
    public enum Name: String, Hashable, Sendable, CaseIterable {
        // Every service.
        case accessDenied = "AccessDeniedException"
        case expiredToken = "ExpiredTokenException"
        case incompleteSignature = "IncompleteSignatureException"
        case internalFailure = "InternalFailure"
        case invalidSignature = "InvalidSignatureException"
        case missingAuthenticationToken = "MissingAuthenticationTokenException"
        case requestTooLarge = "RequestEntityTooLargeException"
        case serialization = "SerializationException"
        case throttling = "ThrottlingException"
        case unknownOperation = "UnknownOperationException"
        case unrecognizedClient = "UnrecognizedClientException"
        case validation = "ValidationException"
        // Several services.
        case concurrentModification = "ConcurrentModificationException"
        case invalidArgument = "InvalidArgumentException"
        case limitExceeded = "LimitExceededException"
        case resourceInUse = "ResourceInUseException"
        case resourceNotFound = "ResourceNotFoundException"
        case serviceUnavailable = "ServiceUnavailableException"
        // Kinesis Data Streams.
        case expiredIterator = "ExpiredIteratorException"
        case expiredNextToken = "ExpiredNextTokenException"
        case kmsAccessDenied = "KMSAccessDeniedException"
        case kmsDisabled = "KMSDisabledException"
        case kmsInvalidState = "KMSInvalidStateException"
        case kmsNotFound = "KMSNotFoundException"
        case kmsOptInRequired = "KMSOptInRequired"
        case kmsThrottling = "KMSThrottlingException"
        case provisionedThroughputExceeded = "ProvisionedThroughputExceededException"
        // Named consumers, which are Millrace's own.
        case leaseLost = "LeaseLostException"
        // Firehose.
        case invalidKMSResource = "InvalidKMSResourceException"
        case invalidSource = "InvalidSourceException"
        // Kinesis Analytics.
        case codeValidation = "CodeValidationException"
        case invalidApplicationConfiguration = "InvalidApplicationConfigurationException"
        case invalidRequest = "InvalidRequestException"
        case resourceProvisionedThroughputExceeded = "ResourceProvisionedThroughputExceededException"
        case tooManyTags = "TooManyTagsException"
        case unableToDetectSchema = "UnableToDetectSchemaException"
        case unsupportedOperation = "UnsupportedOperationException"
        // CloudWatch.
        case invalidNextToken = "InvalidNextToken"
        case invalidParameterCombination = "InvalidParameterCombinationException"
        case invalidParameterValue = "InvalidParameterValueException"
        case missingRequiredParameter = "MissingRequiredParameterException"
        case validationError = "ValidationError"

        /// What any operation may throw without listing it.
        static let anyOperation: Set<Name> = [.internalFailure, .serviceUnavailable, .throttling]

        /// How the protocol of forms names it where that differs (awsQueryError); SDKs know the errors of services that were once called with forms by
        /// these names only.
        public var queryCode: StaticString? {
            switch self {
            case .invalidParameterCombination: "InvalidParameterCombination"
            case .invalidParameterValue: "InvalidParameterValue"
            case .missingRequiredParameter: "MissingParameter"
            default: nil
            }
        }

        /// 400 for what the caller can mend, 500 for what it cannot, 503 for what passes, 413 for what is too long to read.
        public var status: Int {
            switch self {
            case .internalFailure: 500
            case .serviceUnavailable: 503
            case .requestTooLarge: 413
            default: 400
            }
        }
    }
}

extension AWSError {
    /// The body: `__type` and, where there is one, the message, under a capital letter for a SerializationException.
    func body(_ format: WireFormat) -> [UInt8] {
        var writer = WireWriter(format)
        writer.object { writer in
            writer.field("__type", name.rawValue)
            writer.field(name == .serialization ? "Message" : "message", message)
        }
        return writer.bytes
    }
}
