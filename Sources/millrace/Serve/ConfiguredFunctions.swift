/// The functions that ARNs stand for: commands and HTTP endpoints, by a file of the node's settings.

import Foundation
import Glibc
import Host
import StreamEngine
import Synchronization

/// Calls functions that a file names, a line each: an ARN or a function's name, blanks, then an address or a command.
///
/// ```
/// # arn or name            what is called
/// clean                    python3 /opt/clean.py
/// arn:aws:lambda:us-east-1:000000000000:function:enrich   http://127.0.0.1:9000/2015-03-31/functions/function/invocations
/// ```
///
/// A command gets the event on its standard input and gives the answer on its standard output; an address is sent it by POST. The file is read anew for each
/// call, so that a changed line holds from the next one on.
struct ConfiguredFunctions: RecordFunctions {
    /// The longest that a call may take (Developer Guide, "Preprocessing Data Using a Lambda Function": five minutes; here the records wait meanwhile).
    static let timeoutSeconds = 60
    /// The largest answer, in bytes. Lambda's is 6 MB.
    static let largestAnswer = 64 << 20

    private let path: String
    private let threads: IOThreads
    private let sessions = IdleSessions()

    /// - Parameters:
    ///   - path: of the file; empty for none.
    ///   - threads: where commands are waited for.
    init(path: String, threads: IOThreads) {
        self.path = path
        self.threads = threads
    }

    func knows(_ function: String) async -> Bool {
        let path = path
        return await threads.run { (try? Self.target(of: function, in: path)) != nil }
    }

    func answer(of function: String, to event: [UInt8]) async throws(ProcessingFailure) -> [UInt8] {
        let path = path
        let target: Result<String, ProcessingFailure> = await threads.run {
            Result { () throws(ProcessingFailure) in try Self.target(of: function, in: path) }
        }
        let text = try target.get()
        if text.hasPrefix("http://") || text.hasPrefix("https://") { return try await post(event, to: text, function) }
        let answer: Result<[UInt8], ProcessingFailure> = await threads.run {
            Result { () throws(ProcessingFailure) in
                try FunctionCommand.run(text, input: event, timeoutSeconds: Self.timeoutSeconds, largest: Self.largestAnswer)
            }
        }
        do throws(ProcessingFailure) { return try answer.get() } catch {
            throw ProcessingFailure("\(function): \(error.message)")
        }
    }

    /// What stands for a function.
    private static func target(of function: String, in path: String) throws(ProcessingFailure) -> String {
        guard !path.isEmpty, let data = FileManager.default.contents(atPath: path) else {
            throw ProcessingFailure("\(function) is not known: the setting `functions` names no file that can be read")
        }
        // As in arn:aws:lambda:REGION:ACCOUNT:function:NAME[:VERSION]
        let parts = function.split(separator: ":", omittingEmptySubsequences: false)
        let name = parts.count > 6 && parts[5] == "function" ? String(parts[6]) : function
        for line in String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let fields = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
            guard fields.count == 2, !fields[0].hasPrefix("#"), fields[0] == function || fields[0] == name else { continue }
            return fields[1].trimmingCharacters(in: .whitespaces)
        }
        throw ProcessingFailure("\(function) is not known: no line of \(path) names it")
    }

    private func post(_ event: [UInt8], to url: String, _ function: String) async throws(ProcessingFailure) -> [UInt8] {
        let session = sessions.take()
        defer { sessions.give(session) }
        let request = HTTPRequest(
            url: url, headers: ["Content-Type: application/json"], body: event, totalMilliseconds: 1000 * Self.timeoutSeconds)
        let collected = Collected()
        let status: Int
        do throws(HTTPFailure) {
            status = try await session.perform(request) { _, bytes in collected.append(bytes, atMost: Self.largestAnswer) }
        } catch {
            throw ProcessingFailure("\(function): \(url) gave no answer: \(error.reason)")
        }
        guard status == 200 else {
            let text = String(decoding: collected.bytes.prefix(200), as: UTF8.self)
            throw ProcessingFailure("\(function): \(url) answered \(status): \(text)")
        }
        return collected.bytes
    }
}

/// An answer's body.
private final class Collected: Sendable {
    private let state = Mutex<[UInt8]>([])
    var bytes: [UInt8] { state.withLock { $0 } }

    /// - Returns: false when it would be too large.
    func append(_ bytes: UnsafeRawBufferPointer, atMost limit: Int) -> Bool {
        let copy = [UInt8](bytes)
        return state.withLock { state in
            guard state.count + copy.count <= limit else { return false }
            state += copy
            return true
        }
    }
}

/// Connections that are kept between calls; one for each call at a time.
private final class IdleSessions: Sendable {
    private let state = Mutex<[HTTPSession]>([])

    func take() -> HTTPSession { state.withLock { $0.popLast() } ?? HTTPSession() }
    func give(_ session: HTTPSession) { state.withLock { if $0.count < 8 { $0.append(session) } } }
}
