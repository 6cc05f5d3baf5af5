/// Something long that is sent while it is made, such as a backup: a piece at a time, as fast as the client takes it.

public import AWSWire

/// A file that nobody has in memory.
public struct Download: Sendable {
    /// The answer to a request for one.
    public enum Answer: Sendable {
        case download(Download)
        /// An HTTP status and the reason in words.
        case refusal(status: Int, reason: String)
    }

    var contentType: String
    /// What a browser calls it.
    var fileName: String
    var stream: ReplyStream

    /// - Parameters:
    ///   - contentType: a media type.
    ///   - fileName: what a browser calls it.
    ///   - stream: the file's bytes.
    public init(contentType: String, fileName: String, stream: ReplyStream) {
        self.contentType = contentType
        self.fileName = fileName
        self.stream = stream
    }

    var fields: [(name: String, value: String)] {
        [
            ("Content-Type", contentType), ("Cache-Control", "no-store"),
            ("Content-Disposition", "attachment; filename=\"\(fileName)\""),
        ]
    }
}
