/// A query over the records that the store holds.

import Host
import RecordBatch
public import StreamSQL
import StreamStore

/// What is asked.
public struct QueryRequest: Sendable {
    public var text: String
    /// Only records that arrived at or after this, milliseconds since 1970-01-01 UTC.
    public var from: Int64?
    /// Only records that arrived before this.
    public var to: Int64?
    /// Schemas of streams by name; those of others are guessed from their records.
    public var schemas: [String: InputSchema]

    public init(text: String, from: Int64? = nil, to: Int64? = nil, schemas: [String: InputSchema] = [:]) {
        self.text = text
        self.from = from
        self.to = to
        self.schemas = schemas
    }
}

/// Reads the streams of a query through, one after the other, and gives its rows as they come. Whoever has enough lets go of it.
public actor StoredQuery {
    /// What `next` gives.
    public enum Event: Sendable {
        case rows(ColumnBatch)
        /// Rows and bytes of batches that were read so far.
        case progress(records: Int64, bytes: Int64)
        /// The end: how many records and rows failed, and of what the first did.
        case end(records: Int64, failures: Int, first: String?)
    }

    /// A stream with what makes rows of its records.
    private struct Source {
        var name: String
        var target: StreamTarget
        var stream: StreamDescription
        var key: StreamKey
        var compiled: CompiledApplication
        var positions: [ShardID: Int64]
        var ends: [ShardID: Int64]
    }

    /// What is read, in the order in which it is fed.
    private enum Reading {
        case stream(Source)
        case view(ViewSource)
    }

    private let store: any StreamStore
    private var program: QueryProgram
    private var waiting: [Reading]
    private var current: (source: Source, reader: SourceReader, ahead: PieceDecoding)?
    private let through: Int64
    private var records: Int64 = 0
    /// Rows of views that have no values, and why the first of them has none.
    private var failures = 0
    private var firstFailure: String?
    private var bytes = 0
    private var ready: [Event] = []
    private var hasEnded = false
    private var told: Int = 0

    private static let pieceBytes = 1 << 20
    private static let progressBytes = 16 << 20

    /// The columns of the rows.
    public nonisolated let columns: [ColumnDefinition]
    /// The plan as text.
    public nonisolated let explanation: String
    /// What is read.
    public nonisolated let sources: [StreamTarget]
    /// The applications whose views are read.
    public nonisolated let applications: [String]

    init(_ request: QueryRequest, _ manager: ApplicationManager, stateBytes: Int) async throws(ApplicationError) {
        let store = manager.store
        self.store = store
        let settled = await store.settledTime()
        through = request.to.map { min($0 &- 1, settled) } ?? settled
        var sources: [Source] = []
        var views: [ViewSource] = []
        for read in Planner.namesRead(in: request.text) {
            if let view = try await ViewSource.find(read, manager) {
                if !views.contains(where: { $0.name == view.name }) { views.append(view) }
                continue
            }
            guard !sources.contains(where: { $0.name == read.name }),
                let source = try await Self.source(read.name, isQuoted: read.isQuoted, request, manager)
            else { continue }
            if !sources.contains(where: { $0.name == source.name }) { sources.append(source) }
        }
        do throws(QueryProgram.Refusal) {
            program = try QueryProgram(
                request.text,
                inputs: sources.map { QueryProgram.Input(name: $0.name, columns: $0.compiled.inputs.first?.columns ?? []) }
                    + views.map { QueryProgram.Input(name: $0.name, columns: $0.view.schema.columns) },
                queryStart: manager.time.wallMilliseconds(), stateBytes: stateBytes)
        } catch {
            switch error {
            case .program(let errors): throw .code(errors)
            case .unusable(let reason): throw .configuration(reason)
            }
        }
        self.sources = sources.map(\.target)
        applications = views.map(\.application)
        for index in sources.indices { sources[index].compiled.read(only: program.columnsRead[sources[index].name] ?? []) }
        columns = program.columns
        explanation = program.relation.explanation
        waiting = program.inputs.compactMap { name in
            sources.first { $0.name == name }.map { .stream($0) } ?? views.first { $0.name == name }.map { .view($0) }
        }
    }

    // MARK: Sources

    /// The stream of a name: a delivery stream's too. Nil where there is none; the planner says so.
    private static func source(
        _ name: String, isQuoted: Bool, _ request: QueryRequest, _ manager: ApplicationManager
    ) async throws(ApplicationError) -> Source? {
        let store = manager.store
        do throws(StoreError) {
            guard let (shown, target) = try await find(name, isQuoted: isQuoted, manager) else { return nil }
            let key = await manager.resolve(target)
            let stream = try await store.stream(key)
            let schema = try await schema(of: shown, target, request, manager)
            guard let schema else { return nil }
            let input = ApplicationInput(
                id: "1.1", namePrefix: shown, source: target, roleARN: nil, schema: schema, parallelism: 1)
            let compiled: CompiledApplication
            do throws(ApplicationError) { compiled = try CompiledApplication(reading: input, as: shown, for: request.text) } catch {
                throw StoreError.failed("\(error)")
            }
            var (positions, ends) = ([ShardID: Int64](), [ShardID: Int64]())
            for shard in stream.shards {
                let reference = ShardReference(stream.id, shard.id)
                let bounds = try await store.bounds(reference)
                positions[shard.id] = bounds.startOffset
                if let from = request.from { positions[shard.id] = try await store.firstOffset(reference, arrivedAtOrAfter: from) }
                ends[shard.id] = bounds.highWatermark
            }
            return Source(
                name: shown, target: target, stream: stream, key: key, compiled: compiled, positions: positions, ends: ends)
        } catch {
            throw .store(error)
        }
    }

    private static func find(
        _ name: String, isQuoted: Bool, _ manager: ApplicationManager
    ) async throws(StoreError) -> (name: String, target: StreamTarget)? {
        // Of a stream and a delivery stream of one name the former.
        for namespace in [StreamNamespace.stream, .delivery] {
            let known = try await manager.store.streams(in: namespace).map(\.key.name)
            let exact = known.filter { $0 == name }
            let alike = exact.isEmpty && !isQuoted ? known.filter { $0.uppercased() == name } : exact
            guard let found = alike.first else { continue }
            let isStream = namespace == .stream
            return (found, isStream ? .stream(arn: "stream/\(found)") : .deliveryStream(arn: "deliverystream/\(found)"))
        }
        return nil
    }

    private static func schema(
        of name: String, _ target: StreamTarget, _ request: QueryRequest, _ manager: ApplicationManager
    ) async throws(StoreError) -> InputSchema? {
        if let given = request.schemas[name] { return given }
        let sample: [[UInt8]]
        do throws(ApplicationError) { sample = try await manager.sample(target, from: .trimHorizon) } catch {
            throw .failed("the records of \(name) cannot be looked at: \(error)")
        }
        do throws(InferredSchema.Failure) {
            return try InferredSchema(of: sample).schema.widened
        } catch {
            throw .failed("the form of the records of \(name) cannot be told; give their schema")
        }
    }

    // MARK: Reading

    /// What comes next; nil after the end.
    public func next() async throws -> Event? {
        while true {
            if !ready.isEmpty { return ready.removeFirst() }
            if hasEnded { return nil }
            try await step()
            if bytes - told >= Self.progressBytes {
                told = bytes
                ready.append(.progress(records: records, bytes: Int64(bytes)))
            }
        }
    }

    private func step() async throws {
        guard let current else {
            guard !waiting.isEmpty, !program.isSatisfied else { return try end() }
            let next: Source
            switch waiting.removeFirst() {
            case .view(let view): return try read(view)
            case .stream(let source): next = source
            }
            let reader = try SourceReader(
                next.compiled, source: next.stream, key: next.key, positions: next.positions, clock: .min,
                pieceBytes: Self.pieceBytes, store: store)
            self.current = (next, reader, PieceDecoding(depth: Cores.count))
            return
        }
        let source = current.source
        var (reader, ahead, read) = (current.reader, current.ahead, 0)
        self.current = nil
        let limits = SourceReader.references(source.ends, in: source.stream.id)
        while !ahead.isFull, let piece = try await reader.nextPiece(through: through, limits: limits, bytesRead: &read) {
            ahead.add(piece)
        }
        bytes += read
        if ahead.isEmpty, reader.mustRaiseFloor {
            // A node that was started with its clock set back: its rows keep the time of those before.
            reader.raiseFloor()
            self.current = (source, reader, ahead)
            return
        }
        guard let (piece, _) = try await ahead.next(), !program.isSatisfied else {
            try program.finish(source.name)
            take()
            return
        }
        reader.noteUndecodable(piece.undecodable)
        for part in piece.parts {
            records += Int64(part.count)
            try program.insert(part)
        }
        take()
        self.current = (source, reader, ahead)
    }

    /// Reads a view as it is now: the rows of a key where the query says which, else all.
    private func read(_ source: ViewSource) throws {
        let answer = source.rows(for: program.relation)
        failures += answer.failures
        if firstFailure == nil { firstFailure = answer.firstFailure }
        let times = answer.rows.rowtimes
        let isOrdered = zip(times, times.dropFirst()).allSatisfy { $0 <= $1 }
        let rows = isOrdered ? answer.rows : answer.rows.gather(rows: times.indices.sorted { (times[$0], $0) < (times[$1], $1) })
        records += Int64(rows.count)
        try program.insert(rows, into: source.name)
        try program.finish(source.name)
        take()
    }

    private func take() { for rows in program.takeRows() where rows.count > 0 { ready.append(.rows(rows)) } }

    private func end() throws {
        try program.finish()
        take()
        ready.append(
            .end(records: records, failures: program.failures + failures, first: firstFailure ?? program.firstFailure))
        hasEnded = true
    }
}

extension ApplicationManager {
    /// Begins a query over what the store holds.
    /// - Throws: `.code` for a text that is wrong, `.configuration`, `.store`.
    public nonisolated func query(_ request: QueryRequest) async throws(ApplicationError) -> StoredQuery {
        try await StoredQuery(request, self, stateBytes: limits.stateBytes)
    }
}

extension InputSchema {
    /// The schema with types that hold what later records may have: a guess from some of them is as narrow as these.
    fileprivate var widened: InputSchema {
        var wide = self
        for index in recordColumns.indices {
            switch recordColumns[index].sqlType.uppercased() {
            case "INTEGER": wide.recordColumns[index].sqlType = "BIGINT"
            case let type where type.hasPrefix("VARCHAR"): wide.recordColumns[index].sqlType = "VARCHAR(65535)"
            default: break
            }
        }
        return wide
    }
}
