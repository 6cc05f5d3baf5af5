/// What a build says of durable bytes whose version it does not know.

/// Something durable has a version that this build neither reads nor writes. It is not damage: whoever finds it leaves everything as it is.
public struct UnknownFormat: Error, Sendable, Hashable, CustomStringConvertible {
    /// What has the version: a file below the data directory, or a definition, in words.
    public var subject: String
    /// The version found, as it stands there.
    public var found: String
    /// The versions that this build reads.
    public var known: String

    public init(_ subject: String, found: String, known: String) {
        self.subject = subject
        self.found = found
        self.known = known
    }

    public var description: String {
        "\(subject) has the format \(found), and this version of Millrace knows \(known) only: run the version that wrote it, or a later one; "
            + "it is left as it is"
    }
}
