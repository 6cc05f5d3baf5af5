/// Takes an answer as it comes, a piece at a time: what downloads and streamed answers share.

extension ServiceClient {
    /// Sends a request and hands over the body of an answer with status 200; the server waits while a piece is being dealt with.
    /// - Parameter refusal: takes the body of any other answer.
    /// - Returns: the status, or why there is no whole answer.
    /// - Throws: what `consume` throws; the answer is given up then.
    func receive(
        _ request: HTTPRequest, refusal: CollectedBody, _ consume: ([UInt8]) async throws -> Void
    ) async throws -> Result<Int, HTTPFailure> {
        let channel = PieceChannel()
        async let outcome = Self.outcome(of: request, session.authorities, channel, refusal)
        do {
            while let piece = await channel.next() { try await consume(piece) }
        } catch {
            channel.close()
            _ = await outcome
            throw error
        }
        return await outcome
    }

    private static func outcome(
        of request: HTTPRequest, _ authorities: String?, _ channel: PieceChannel, _ refusal: CollectedBody
    ) async -> Result<Int, HTTPFailure> {
        defer { channel.end() }
        do throws(HTTPFailure) {
            // A session of its own: an answer may take hours.
            return .success(
                try await HTTPSession(authorities: authorities).perform(request) { status, bytes in
                    status == 200 ? channel.send(Array(bytes)) : refusal.append(bytes)
                })
        } catch {
            return .failure(error)
        }
    }
}
