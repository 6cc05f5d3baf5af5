/// Query: a SELECT over the records of streams, an operation of Millrace's own. The answer is a stream of frames.

import AWSWire
import StreamEngine
import StreamSQL
import Synchronization

/// The schema of a stream, for a query.
struct QuerySchemaRequest: WireReadable {
    var stream: String?
    var schema: SchemaRequest?

    init(_ fields: WireFields) throws(AWSError) {
        stream = try fields.string("Stream")
        schema = try fields.structure("InputSchema")
    }

    static let rules: [Rule<QuerySchemaRequest>] = [
        .member("stream", \.stream, .notNull, .minLength(1), .maxLength(128)), .present("inputSchema", \.schema),
        .structure("inputSchema", \.schema, SchemaRequest.rules(.v1)),
    ]
}

enum Query: DirectOperation {
    struct Request: WireReadable {
        var text: String?
        /// Milliseconds since 1970-01-01 UTC.
        var from: Int64?
        var to: Int64?
        var format: String?
        var explains: Bool
        var schemas: [QuerySchemaRequest]?

        init(_ fields: WireFields) throws(AWSError) {
            text = try fields.string("Text")
            from = try fields.timestamp("From")
            to = try fields.timestamp("To")
            format = try fields.string("Format")
            explains = try fields.string("Explain") == "true"
            schemas = try fields.list("Schemas")
        }
    }

    static let rules: [Rule<Request>] = [
        .member("text", \.text, .notNull, .minLength(1), .maxLength(102_400)),
        .member("format", \.format, .oneOf(QueryRowFormat.allCases.map(\.rawValue))),
        .each("schemas", \.schemas, QuerySchemaRequest.rules),
    ]
    static let errors: [AWSError.Name] = [
        .accessDenied, .codeValidation, .invalidArgument, .limitExceeded, .serviceUnavailable,
    ]
    static let memoryBound = Analytics.configurationBound

    /// How many queries a node works on at a time.
    private static let most = 4
    private static let running = Atomic<Int>(0)

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ service: Analytics) throws(AWSError) -> Request {
        try format.request(Request.self, body, rules: rules)
    }

    static func resources(_ request: borrowing Request, _ service: Analytics) -> [ResourceName] { [.all(of: "kinesisanalytics")] }

    static func start(_ request: consuming Request, _ service: Analytics, _ call: DirectCall) {
        let request = request
        Task {
            let opened: Result<ReplyStream, AWSError>
            do throws(AWSError) {
                opened = .success(try await open(request, service, call))
            } catch {
                opened = .failure(error)
            }
            call.loop.run {
                switch opened {
                case .success(let stream): call.succeed(stream, contentType: "application/vnd.millrace.query")
                case .failure(let error): call.fail(error)
                }
            }
        }
    }

    /// Whoever asks must be allowed to read what is read.
    private static func resource(_ source: StreamTarget) -> ResourceName {
        switch source {
        case .stream: ResourceName(service: "kinesis", resource: "stream/\(source.name)", operation: "GetRecords")
        case .deliveryStream:
            ResourceName(service: "firehose", resource: "deliverystream/\(source.name)", operation: "DescribeDeliveryStream")
        }
    }

    private static func open(_ request: Request, _ service: Analytics, _ call: DirectCall) async throws(AWSError) -> ReplyStream {
        guard running.add(1, ordering: .relaxed).newValue <= most else {
            running.subtract(1, ordering: .relaxed)
            throw AWSError(.limitExceeded, "The node works on \(most) queries already. Try again later.")
        }
        var asked = QueryRequest(text: request.text ?? "", from: request.from, to: request.to)
        for schema in request.schemas ?? [] { asked.schemas[schema.stream ?? ""] = schema.schema?.schema }
        let query: StoredQuery
        do throws(ApplicationError) { query = try await service.applications.query(asked) } catch {
            running.subtract(1, ordering: .relaxed)
            throw AWSError(error)
        }
        let applications = query.applications.map {
            ResourceName(service: "kinesisanalytics", resource: "application/\($0)", operation: "DescribeApplication")
        }
        do throws(AWSError) { try call.authorize(query.sources.map(resource) + applications) } catch {
            running.subtract(1, ordering: .relaxed)
            throw error
        }
        let answer = QueryAnswer(
            query, request.format.flatMap(QueryRowFormat.init) ?? .ndjson, explains: request.explains
        ) { running.subtract(1, ordering: .relaxed) }
        return ReplyStream(next: { await answer.next() }, close: { answer.close() })
    }
}

/// The frames of one answer.
private final class QueryAnswer: Sendable {
    private enum Place { case head, rows, ended }

    private let query: StoredQuery
    private let encoder: QueryFrameEncoder
    private let explains: Bool
    private let place = Mutex(Place.head)
    private let release: Mutex<(@Sendable () -> Void)?>

    init(_ query: StoredQuery, _ format: QueryRowFormat, explains: Bool, release: @escaping @Sendable () -> Void) {
        self.query = query
        self.explains = explains
        encoder = QueryFrameEncoder(query.columns, format)
        self.release = Mutex(release)
    }

    func close() {
        let release = release.withLock { release in
            defer { release = nil }
            return release
        }
        release?()
    }

    func next() async -> [UInt8]? {
        let now = place.withLock { place in
            defer { if place == .head { place = explains ? .ended : .rows } }
            return place
        }
        switch now {
        case .head: return encoder.head + (explains ? QueryFrame.failure(query.explanation).encoded : [])
        case .ended:
            close()
            return nil
        case .rows:
            do {
                guard let event = try await query.next() else {
                    close()
                    return nil
                }
                return encoder.encode(event)
            } catch {
                place.withLock { $0 = .ended }
                return QueryFrame.failure("\(error)").encoded
            }
        }
    }
}
