/// Where a connection of HTTP/1 is with the request that comes and with the answer that goes.

/// What comes.
enum HTTP1Input {
    /// The next request's head is awaited.
    case head
    case body(BodyDecoder)
    /// The request is whole.
    case whole
    /// The connection is about to close: what comes is dropped.
    case dropped
}

/// What goes.
enum HTTP1Output {
    case none
    case pieces(isChunked: Bool)
    /// All is written, but not yet taken.
    case written
    case taken
}
