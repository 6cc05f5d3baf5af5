/// Requests about one snapshot of an application, and about pages of what an application has.

import AWSWire
import StreamEngine

/// ApplicationName and SnapshotName.
struct SnapshotRequest: NamesApplication {
    var applicationName: String?
    var snapshotName: String?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        snapshotName = try fields.string("SnapshotName")
    }

    static let rules: [Rule<SnapshotRequest>] = [.applicationName, .snapshotName("snapshotName", \.snapshotName)]
}

extension Rule {
    static func snapshotName(_ name: String, _ value: any KeyPath<Request, String?> & Sendable) -> Rule {
        .member(name, value, .notNull, .pattern(.name), .minLength(1), .maxLength(256))
    }
}

/// ApplicationName, Limit and NextToken, which is the place of the next item.
struct PageRequest: NamesApplication {
    /// Of items in a page, and how many there are unless the request says otherwise.
    static let limit = 50

    var applicationName: String?
    var limit: Int?
    var token: String?
    /// Of operations: only those of this name and this status.
    var operation: String?
    var status: String?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        limit = try fields.integer("Limit")
        token = try fields.string("NextToken")
        operation = try fields.string("Operation")
        status = try fields.string("OperationStatus")
    }

    static let rules: [Rule<PageRequest>] = [
        .applicationName, .member("limit", \.limit, .atLeast(1), .atMost(limit)),
        .member("nextToken", \.token, .minLength(1), .maxLength(512)),
        .member("operation", \.operation, .minLength(1), .maxLength(64)),
        .member("operationStatus", \.status, .oneOf(["IN_PROGRESS", "CANCELLED", "SUCCESSFUL", "FAILED"])),
    ]

    /// The part of a list that the request is about, and the token of what follows.
    /// - Throws: `.invalidArgument` for a token that no answer gave.
    func page<Item>(of items: [Item]) throws(AWSError) -> (items: [Item], token: String?) {
        var start = 0
        if let token {
            guard let given = Int(token), (0...items.count).contains(given) else {
                throw AWSError(.invalidArgument, "NextToken '\(token)' is of no earlier answer.")
            }
            start = given
        }
        let end = min(items.count, start + (limit ?? Self.limit))
        return (Array(items[start..<end]), end < items.count ? String(end) : nil)
    }
}
