/// A program that runs in this process over the records of a stream as they come: what `millrace sql run --source` shows.

public import StreamSQL

/// A program with one input and a clock that its caller moves. Nothing is appended anywhere and nothing is kept.
public struct LiveProgram: Sendable {
    /// Why there is no running program.
    public enum Refusal: Error, Sendable {
        /// All errors of the program, in the order of its text.
        case program([SQLError])
        case schema(String)
    }

    /// A record as a consumer gets it.
    public struct Record: Sendable {
        public var data: [UInt8]
        /// Milliseconds since 1970-01-01 UTC; the ROWTIME of its rows, unless the clock is past it.
        public var arrivalMilliseconds: Int64
        public var partitionKey: String
        public var sequenceNumber: String
        public var shardID: String

        public init(data: [UInt8], arrivalMilliseconds: Int64, partitionKey: String, sequenceNumber: String, shardID: String) {
            self.data = data
            self.arrivalMilliseconds = arrivalMilliseconds
            self.partitionKey = partitionKey
            self.sequenceNumber = sequenceNumber
            self.shardID = shardID
        }
    }

    private let decoder: RecordDecoder
    private let input: String
    private var dataflow: Dataflow
    /// The streams whose rows come out: those that the program creates, and `error_stream`.
    public let streams: [StreamSchema]
    /// The in-application streams of the input, and the reference tables.
    public let inputs: [StreamSchema]
    public let tables: [StreamSchema]
    /// The plan of each pump as text.
    public let explanation: String

    /// A reference table with its rows.
    public struct Table: Sendable {
        public var name: String
        public var schema: InputSchema
        /// The content of its file.
        public var contents: [UInt8]

        public init(name: String, schema: InputSchema, contents: [UInt8]) {
            self.name = name
            self.schema = schema
            self.contents = contents
        }
    }

    /// - Parameters:
    ///   - schema: how records become rows.
    ///   - tables: the reference tables.
    ///   - prefix: the input's in-application stream is `<prefix>_001`.
    ///   - seed: of the first forest.
    ///   - start: what CURRENT_TIMESTAMP gives, milliseconds since 1970-01-01 UTC.
    public init(
        _ code: String, schema: InputSchema, namePrefix prefix: String, tables: [Table] = [], seed: UInt64, queryStart start: Int64
    ) throws(Refusal) {
        var definition = ApplicationDefinition(name: "live", description: "", code: code, createdMilliseconds: start)
        definition.inputs = [
            ApplicationInput(id: "1.1", namePrefix: prefix, source: .stream(arn: ""), roleARN: nil, schema: schema, parallelism: 1)
        ]
        definition.references = tables.map {
            ApplicationReference(id: "1.2", tableName: $0.name, bucketARN: "", fileKey: "", roleARN: nil, schema: $0.schema)
        }
        let compiled: CompiledApplication
        do throws(ApplicationError) {
            compiled = try CompiledApplication(definition)
        } catch .code(let errors) {
            throw .program(errors)
        } catch {
            throw .schema("\(error)")
        }
        do throws(DataflowError) {
            dataflow = try Dataflow(compiled.program, inputs: compiled.inputs, seed: seed, queryStartMilliseconds: start)
        } catch {
            throw .schema("\(error)")
        }
        for table in tables {
            do {
                let rows = try ReferenceRows.decode(table.contents, schema: table.schema)
                try dataflow.setTable(table.name, to: rows, version: "file")
            } catch let refusal as ReferenceRows.Refusal {
                throw .schema("reference table \(table.name): \(refusal.message)")
            } catch {
                throw .schema("reference table \(table.name): \(error)")
            }
        }
        guard let decoder = compiled.decoder, let input = compiled.inputs.first?.name else { throw .schema("there is no input") }
        (self.decoder, self.input, streams) = (decoder, input, compiled.outputSchemas)
        (inputs, self.tables) = (compiled.inputs, compiled.program.tables)
        explanation = compiled.program.explanation
    }

    /// Plays records, which are in the order of their arrival; the clock then stands at the last one's.
    public mutating func insert(_ records: [Record]) throws(DataflowError) {
        var (bytes, places, clock) = ([UInt8](), [SourceRecord](), dataflow.clockMilliseconds)
        for record in records {
            clock = max(clock, record.arrivalMilliseconds)
            places.append(
                SourceRecord(
                    data: bytes.count..<bytes.count + record.data.count, rowtime: clock,
                    arrivalMilliseconds: record.arrivalMilliseconds, partitionKey: record.partitionKey,
                    sequenceNumber: record.sequenceNumber, shardID: record.shardID))
            bytes += record.data
        }
        let (batch, errors) = decoder.decode(places, in: bytes)
        try dataflow.insert(batch, into: input, errors: errors)
    }

    /// Moves the clock: windows that end by then close.
    public mutating func advance(to milliseconds: Int64) throws(DataflowError) { try dataflow.advance(to: milliseconds) }

    /// Ends the input: all that is open closes.
    public mutating func finish() throws(DataflowError) { try dataflow.finish() }

    /// The rows put into streams since the last call; those of one stream in their order.
    public mutating func takeRows() -> [(stream: String, batch: ColumnBatch)] { dataflow.takeOutput() }
}
