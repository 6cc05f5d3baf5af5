/// The NextTokens of ListShards, ListStreams and ListStreamConsumers.

import AWSWire
import StreamStore

/// A page token's life and the error after it.
enum PageToken {
    /// Milliseconds after which a token expires.
    static let lifetime: Int64 = 300_000

    static func check(created: Int64, now: Int64) throws(AWSError) {
        let (age, overflow) = now.subtractingReportingOverflow(created)
        guard !overflow, age <= lifetime else {
            throw AWSError(.expiredNextToken, "The pagination token has expired. Tokens are valid for \(lifetime / 1000) seconds.")
        }
    }

    /// What a token says.
    /// - Throws: `.invalidArgument`, `.expiredNextToken` for one of another version.
    static func open(_ text: String, for purpose: TokenSealer.Purpose, _ tokens: TokenSealer) throws(AWSError) -> TokenReader {
        do throws(TokenSealer.Failure) {
            return TokenReader(try tokens.open(text, for: purpose))
        } catch .otherVersion {
            throw AWSError(.expiredNextToken, "The pagination token has expired. Another version of this node has made it.")
        } catch {
            throw invalid
        }
    }

    static let invalid = AWSError(.invalidArgument, "Invalid NextToken.")
}

/// Where ListShards goes on.
struct ShardsPageToken: Equatable {
    var streamName: String
    var stream: StreamID
    var after: ShardID
    /// The filter as it was resolved at the first page, so that all pages list the same shards.
    var filter: ShardSelection
    var createdMilliseconds: Int64

    func sealed(_ tokens: TokenSealer) throws(AWSError) -> String {
        var writer = TokenWriter()
        writer.append(createdMilliseconds)
        writer.append(stream.rawValue)
        writer.append(after.index)
        let (kind, value) = filter.encoded
        writer.append(kind)
        writer.append(value)
        writer.append(streamName)
        return try tokens.seal(writer.bytes, for: .shardsPage)
    }

    init(streamName: String, stream: StreamID, after: ShardID, filter: ShardSelection, createdMilliseconds: Int64) {
        self.streamName = streamName
        self.stream = stream
        self.after = after
        self.filter = filter
        self.createdMilliseconds = createdMilliseconds
    }

    /// - Throws: `.invalidArgument`, `.expiredNextToken`.
    init(_ text: String, _ tokens: TokenSealer, now: Int64) throws(AWSError) {
        var reader = try PageToken.open(text, for: .shardsPage, tokens)
        guard let created = reader.number(Int64.self), let stream = reader.number(UInt64.self),
            let after = reader.number(UInt32.self), let kind = reader.number(UInt8.self), let value = reader.number(Int64.self),
            let filter = ShardSelection(kind: kind, value: value), let name = reader.text(), reader.isAtEnd
        else { throw PageToken.invalid }
        self.init(
            streamName: name, stream: StreamID(stream), after: ShardID(after), filter: filter, createdMilliseconds: created)
        try PageToken.check(created: created, now: now)
    }
}

/// Where ListStreams goes on.
enum StreamsPageToken {
    static func seal(after name: String, now: Int64, _ tokens: TokenSealer) throws(AWSError) -> String {
        var writer = TokenWriter()
        writer.append(now)
        writer.append(name)
        return try tokens.seal(writer.bytes, for: .streamsPage)
    }

    /// The name after which to go on.
    /// - Throws: `.invalidArgument`, `.expiredNextToken`.
    static func open(_ text: String, now: Int64, _ tokens: TokenSealer) throws(AWSError) -> String {
        var reader = try PageToken.open(text, for: .streamsPage, tokens)
        guard let created = reader.number(Int64.self), let name = reader.text(), reader.isAtEnd else { throw PageToken.invalid }
        try PageToken.check(created: created, now: now)
        return name
    }
}

/// Where ListStreamConsumers goes on.
struct ConsumersPageToken: Equatable {
    var stream: StreamID
    /// The name of the last consumer that was listed.
    var after: String
    var createdMilliseconds: Int64

    init(stream: StreamID, after: String, createdMilliseconds: Int64) {
        self.stream = stream
        self.after = after
        self.createdMilliseconds = createdMilliseconds
    }

    func sealed(_ tokens: TokenSealer) throws(AWSError) -> String {
        var writer = TokenWriter()
        writer.append(createdMilliseconds)
        writer.append(stream.rawValue)
        writer.append(after)
        return try tokens.seal(writer.bytes, for: .consumersPage)
    }

    /// - Throws: `.invalidArgument`, `.expiredNextToken`.
    init(_ text: String, _ tokens: TokenSealer, now: Int64) throws(AWSError) {
        var reader = try PageToken.open(text, for: .consumersPage, tokens)
        guard let created = reader.number(Int64.self), let stream = reader.number(UInt64.self), let after = reader.text(),
            reader.isAtEnd
        else { throw PageToken.invalid }
        self.init(stream: StreamID(stream), after: after, createdMilliseconds: created)
        try PageToken.check(created: created, now: now)
    }
}
