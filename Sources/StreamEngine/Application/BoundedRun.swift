/// A program over a range of a stream: the same dataflow, with an end of input.

package import StreamSQL
package import StreamStore

/// Plays a range of a source through a program and gives all its rows; nothing is appended anywhere.
package struct BoundedRun {
    private let ends: [ShardReference: Int64]
    private let through: Int64
    private var reader: SourceReader
    private var dataflow: Dataflow
    /// Input that is not there any more.
    package private(set) var gaps: [InputMerge.Gap] = []

    /// - Parameters:
    ///   - ranges: offsets of each shard to read, from the first up to, without, the last.
    ///   - seed: of the first forest.
    ///   - start: CURRENT_TIMESTAMP of the query, milliseconds since 1970-01-01 UTC.
    package init(
        _ definition: ApplicationDefinition, over ranges: [ShardID: Range<Int64>], seed: UInt64, queryStart start: Int64,
        store: any StreamStore, resolve: SourceResolver
    ) async throws {
        let compiled = try CompiledApplication(definition)
        guard let input = definition.inputs.first else { throw RunFailure.configuration("the application has no input") }
        let key = await resolve(input.source)
        let source = try await store.stream(key)
        through = await store.settledTime()
        ends = SourceReader.references(ranges.mapValues(\.upperBound), in: source.id)
        dataflow = try Dataflow(compiled.program, inputs: compiled.inputs, seed: seed, queryStartMilliseconds: start)
        reader = try SourceReader(
            compiled, source: source, key: key, positions: ranges.mapValues(\.lowerBound), clock: .min, pieceBytes: 1 << 20,
            store: store)
    }

    /// Plays the range to its end.
    /// - Parameter output: takes the rows put into each in-application stream, in their order.
    package mutating func play(_ output: (_ stream: String, _ rows: ColumnBatch) throws -> Void) async throws {
        var bytes = 0
        while let piece = try await reader.nextPiece(through: through, limits: ends, bytesRead: &bytes) {
            let decoded = piece.decoded()
            reader.noteUndecodable(decoded.undecodable)
            for part in decoded.parts {
                try dataflow.insert(part)
                for (stream, batch) in dataflow.takeOutput() { try output(stream, batch) }
            }
        }
        try dataflow.finish()
        for (stream, batch) in dataflow.takeOutput() { try output(stream, batch) }
        gaps = reader.takeGaps()
    }
}
