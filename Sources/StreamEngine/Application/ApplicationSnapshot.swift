/// Snapshots by name: the state of a running application at a moment, kept until it is deleted (Kinesis Analytics API, CreateApplicationSnapshot).

import StreamStore

/// A snapshot as the definition of its application lists it. Its bytes are a hidden stream of their own.
public struct ApplicationSnapshot: Codable, Sendable, Hashable {
    public var name: String
    /// The application's version when it was taken.
    public var applicationVersion: Int64
    public var createdMilliseconds: Int64

    public init(name: String, applicationVersion: Int64, createdMilliseconds: Int64) {
        self.name = name
        self.applicationVersion = applicationVersion
        self.createdMilliseconds = createdMilliseconds
    }

    /// How many an application may have (Managed Service for Apache Flink, quotas).
    public static let limit = 1_000

    /// The hidden stream. Names of applications have no slash.
    static func key(_ name: String, of application: String) -> StreamKey {
        StreamKey("\(application)/snapshots/\(name)", in: .application)
    }

    /// What the names of all hidden streams of an application's snapshots begin with.
    static func prefix(of application: String) -> String { "\(application)/snapshots/" }
}

extension ApplicationRun {
    /// Writes the state of this moment to a stream that has nothing yet: all rows of what was read so far are durable, and none of what comes.
    ///
    /// - Throws: `RunFailure` and others as `cycle`, when what must come first fails.
    /// - Returns: why it could not be written; nil when it is durable.
    mutating func writeSnapshot(to log: StateLog) async throws -> StoreError? {
        var (copy, head) = try await stateForSnapshot()
        do throws(StoreError) {
            try await log.append([head], at: snapshotTime)
            var pieces = 0
            while let piece = copy.nextPiece(bytes: snapshotPartBytes) {
                try await log.append([.snapshotPiece(piece)], at: snapshotTime)
                pieces += 1
            }
            try await log.append([.snapshotEnd(pieces: pieces)], at: snapshotTime)
            return nil
        } catch {
            return error
        }
    }
}
