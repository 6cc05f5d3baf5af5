/// Shard iterators: where the next GetRecords reads, and until when it may.

package import AWSWire
package import StreamStore

/// What an iterator says. It names the stream by number too, so that it does not read a later stream of the same name.
package struct ShardIterator: Equatable {
    /// Milliseconds after which an iterator expires.
    static let lifetime: Int64 = 300_000

    var streamName: String
    var shard: ShardReference
    /// The next record to read.
    var offset: Int64
    /// Milliseconds since 1970-01-01 UTC.
    var createdMilliseconds: Int64

    private static let version: UInt8 = 1

    package func sealed(_ tokens: TokenSealer) throws(AWSError) -> String {
        var writer = TokenWriter()
        writer.append(Self.version)
        writer.append(createdMilliseconds)
        writer.append(shard.stream.rawValue)
        writer.append(shard.shard.index)
        writer.append(offset)
        writer.append(streamName)
        return try tokens.iterators.seal(writer.bytes)
    }

    /// Opens an iterator. Double quotes around it, which shells leave there, do not matter.
    /// - Throws: `.invalidArgument`, `.expiredIterator`.
    package init(_ text: String, _ tokens: TokenSealer, now: Int64) throws(AWSError) {
        var bare = text[...]
        if bare.count >= 2, bare.hasPrefix("\""), bare.hasSuffix("\"") { bare = bare.dropFirst().dropLast() }
        let text = String(bare)
        let bytes: [UInt8]
        do throws(TokenSealer.Failure) {
            bytes = try Self.open(text, tokens)
        } catch .otherVersion {
            throw AWSError(.expiredIterator, "Iterator expired. Another version of this node has made it.")
        } catch {
            throw AWSError(.invalidArgument, "Invalid ShardIterator.")
        }
        guard let iterator = ShardIterator(bytes) else { throw AWSError(.invalidArgument, "Invalid ShardIterator.") }
        self = iterator
        let (age, overflow) = now.subtractingReportingOverflow(createdMilliseconds)
        guard !overflow, age <= Self.lifetime else {
            throw AWSError(
                .expiredIterator,
                "Iterator expired. The iterator was created at time \(JavaDate.text(createdMilliseconds)) while right now it is "
                    + "\(JavaDate.text(now)) which is further in the future than the tolerated delay of \(Self.lifetime) "
                    + "milliseconds.")
        }
    }

    /// What an iterator says, behind its version.
    private static func open(_ text: String, _ tokens: TokenSealer) throws(TokenSealer.Failure) -> [UInt8] {
        guard let bytes = tokens.iterators.open(text) else { return try tokens.open(text, for: .shardIterator) }
        guard let found = bytes.first else { throw .invalid }
        guard found == version else { throw .otherVersion(found) }
        return [UInt8](bytes.dropFirst())
    }

    package init(streamName: String, shard: ShardReference, offset: Int64, createdMilliseconds: Int64) {
        self.streamName = streamName
        self.shard = shard
        self.offset = offset
        self.createdMilliseconds = createdMilliseconds
    }

    private init?(_ bytes: [UInt8]) {
        var reader = TokenReader(bytes)
        guard let created = reader.number(Int64.self),
            let stream = reader.number(UInt64.self), let shard = reader.number(UInt32.self), let offset = reader.number(Int64.self),
            offset >= 0, let name = reader.text(), reader.isAtEnd
        else { return nil }
        self.init(
            streamName: name, shard: ShardReference(StreamID(stream), ShardID(shard)), offset: offset, createdMilliseconds: created)
    }
}
