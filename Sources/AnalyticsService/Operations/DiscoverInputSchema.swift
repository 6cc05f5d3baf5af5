/// DiscoverInputSchema: guesses how the records of a stream become rows, and shows those it looked at.

import AWSWire
import Host
import StreamEngine
import StreamSQL

/// The request in both versions; the role differs in name and is not needed here.
struct DiscoverRequest: WireReadable {
    var resourceARN: String?
    var role: String?
    var position: StartRequest.Position?
    /// A field that asks for what cannot be done here.
    var unsupported: String?

    init(_ fields: WireFields) throws(AWSError) {
        resourceARN = try fields.string("ResourceARN")
        let role = try fields.string("RoleARN")
        self.role = if let role { role } else { try fields.string("ServiceExecutionRole") }
        position = try fields.structure("InputStartingPositionConfiguration")
        unsupported = fields.firstPresent("S3Configuration", "InputProcessingConfiguration")
    }

    static func rules(_ version: APIVersion) -> [Rule<DiscoverRequest>] {
        [
            .resourceARN("resourceARN", \.resourceARN, isRequired: false),
            .roleARN(version == .v1 ? "roleARN" : "serviceExecutionRole", \.role, version, isRequired: version == .v2),
            .structure(
                "inputStartingPositionConfiguration", \.position,
                [.member("inputStartingPosition", \.position, .oneOf(["NOW", "TRIM_HORIZON", "LAST_STOPPED_POINT"]))]),
        ]
    }

    /// It shows records, so that whoever asks must be allowed to read them.
    fileprivate var resources: [ResourceName] {
        let source = resourceARN.flatMap { ARN($0) }.map {
            ResourceName(
                service: $0.service, resource: $0.resource,
                operation: $0.service == "firehose" ? "DescribeDeliveryStream" : "GetRecords")
        }
        return [.all(of: "kinesisanalytics")] + (source.map { [$0] } ?? [])
    }

    fileprivate var source: StreamTarget {
        get throws(InvalidArgument) {
            if let unsupported {
                throw unsupported == "S3Configuration"
                    ? InvalidArgument("S3Configuration is not supported: objects of S3 cannot be read here.")
                    : .lambda("InputProcessingConfiguration")
            }
            guard let resourceARN else { throw InvalidArgument("ResourceARN must not be null.") }
            return ARN(resourceARN)?.service == "firehose"
                ? try .deliveryStream(resourceARN, at: "ResourceARN") : try .stream(resourceARN, at: "ResourceARN")
        }
    }
}

extension V1 {
    enum DiscoverInputSchema: AWSOperation {
        static let rules = DiscoverRequest.rules(.v1)
        static let errors = Analytics.discoverErrors
        static let memoryBound = Analytics.discoverBound
        static func resources(_ request: DiscoverRequest, _ service: Analytics) -> [ResourceName] { request.resources }

        static func run(_ request: DiscoverRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Discovery {
            try await service.discover(request)
        }
    }
}

extension V2 {
    enum DiscoverInputSchema: AWSOperation {
        static let rules = DiscoverRequest.rules(.v2)
        static let errors = Analytics.discoverErrors
        static let memoryBound = Analytics.discoverBound
        static func resources(_ request: DiscoverRequest, _ service: Analytics) -> [ResourceName] { request.resources }

        static func run(_ request: DiscoverRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Discovery {
            try await service.discover(request)
        }
    }
}

extension Analytics {
    fileprivate static let discoverErrors: [AWSError.Name] = [.invalidArgument, .unableToDetectSchema, .serviceUnavailable]
    /// What the records that are looked at become, and the answer with some of them.
    fileprivate static let discoverBound = 8 << 20

    fileprivate func discover(_ request: DiscoverRequest) async throws(AWSError) -> Discovery {
        let source: StreamTarget
        do throws(InvalidArgument) { source = try request.source } catch { throw AWSError(error) }
        let position = request.position?.position.flatMap(StartingPosition.init) ?? .now
        let records: [[UInt8]]
        do throws(ApplicationError) {
            records = try await applications.sample(source, from: position)
        } catch {
            throw AWSError(error)
        }
        guard !records.isEmpty else {
            throw AWSError(
                .unableToDetectSchema, "No records came from \(source.arn) in time. Send some, or start at TRIM_HORIZON.")
        }
        switch await Inference.schema(of: records) {
        case .success(let inferred): return Discovery(inferred: inferred)
        case .failure(let failure):
            throw AWSError(
                .unableToDetectSchema,
                "The records of \(source.arn) are neither JSON objects nor lines with the same number of fields. One of them: "
                    + String(decoding: failure.record.prefix(200), as: UTF8.self))
        }
    }
}

/// Where samples are looked at, which may take a second.
private enum Inference {
    /// For the life of the process. One, so that however many ask at once, the other cores are everybody else's.
    private static let threads = IOThreads(name: "discover", count: 1)

    static func schema(of records: [[UInt8]]) async -> Result<InferredSchema, InferredSchema.Failure> {
        await withCheckedContinuation { continuation in
            threads.submit {
                continuation.resume(
                    returning: Result { () throws(InferredSchema.Failure) in try InferredSchema(of: records) })
            }
        }
    }
}

/// The schema with the rows and the records that it was guessed from, as many as are worth showing.
struct Discovery: AWSResponse {
    fileprivate let inferred: InferredSchema

    func write(to writer: inout WireWriter) {
        writer.object { writer in
            writer.inputSchema(inferred.schema)
            writer.list("ParsedInputRecords", inferred.rows) { writer, row in
                writer.value(.array(row.map { $0.map(JSONValue.string) ?? .null }))
            }
            writer.list("RawInputRecords", inferred.records.map { String(decoding: $0, as: UTF8.self) })
        }
    }
}
