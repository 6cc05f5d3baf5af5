/// Calls the service through the dispatcher, bytes in and bytes out, as the door does.

import AWSWire
import AnalyticsService
import Host
import Testing

/// An error that the service answered with.
struct Refused: Error, Equatable {
    var status: Int
    var type: String
    var message: String
}

struct Client {
    /// As in the header X-Amz-Target.
    enum Version: String, CaseIterable {
        case v1 = "KinesisAnalytics_20150814"
        case v2 = "KinesisAnalytics_20180523"
    }

    let applications = FakeApplications()
    let dispatcher: AWSDispatcher
    let budget = MemoryBudget(limit: 64 << 20)

    /// The time of every creation.
    static let now: Int64 = 1_479_700_000_250

    init(applicationLimit: Int? = nil, outputLimit: Int? = nil) {
        let analytics = Analytics(
            applications: applications, clock: FixedTime(),
            settings: .init(
                region: "us-east-1", accountID: "000000000000", applicationLimit: applicationLimit, outputLimit: outputLimit))
        dispatcher = AWSDispatcher(analytics.services)
    }

    @discardableResult
    func call(_ operation: String, _ request: JSONValue, _ version: Version = .v1) async throws -> JSONValue {
        try await call(operation, request.serialized, version)
    }

    func call(_ operation: String, _ body: [UInt8], _ version: Version = .v1) async throws -> JSONValue {
        let head = RequestHead(
            method: "POST",
            [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "\(version.rawValue).\(operation)")],
            bodyLength: body.count)
        let reply: AWSReply
        switch dispatcher.admit(head) {
        case .answer(let answer): reply = answer
        case .call(let call):
            let lease = try #require(budget.lease(body.count * AWSCall.memoryFactor))
            reply = await call.answer(body, memory: lease)
        }
        let answer = try JSONValue(parsing: reply.body)
        guard reply.status == 200 else {
            throw Refused(
                status: reply.status, type: answer["__type"]?.string ?? "",
                message: answer["message"]?.string ?? answer["Message"]?.string ?? "")
        }
        return answer
    }

    /// The error of a call that must be refused.
    func refusal(_ operation: String, _ request: JSONValue, _ version: Version = .v1) async -> Refused? {
        do {
            try await call(operation, request, version)
            return nil
        } catch {
            return error as? Refused
        }
    }

    /// ApplicationDetail.
    func detail(_ name: String, _ version: Version = .v1) async throws -> JSONValue {
        try #require(try await call("DescribeApplication", ["ApplicationName": .string(name)], version)["ApplicationDetail"])
    }
}

private struct FixedTime: TimeSource {
    func wallMilliseconds() -> Int64 { Client.now }
    func monotonicNanoseconds() -> UInt64 { 0 }
}

extension JSONValue {
    /// The value with a member set, or removed.
    func with(_ name: String, _ value: JSONValue?) -> JSONValue {
        guard var object else { return self }
        object[name] = value
        return .object(object)
    }

    /// The value at a path of member names and element numbers.
    func at(_ path: String...) -> JSONValue? {
        var value: JSONValue? = self
        for part in path {
            if let index = Int(part), let elements = value?.array {
                value = elements.indices.contains(index) ? elements[index] : nil
            } else {
                value = value?[part]
            }
        }
        return value
    }
}
