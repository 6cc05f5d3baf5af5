/// What requests for pages have in common: queries and scans.

import AWSWire
import LatestValues

/// The members of both.
struct PageParts: Sendable {
    var tableName, indexName, select, consumed: String?
    var limit: Int?
    var isConsistent: Bool
    var startKey: Item?
    var filter: Condition?
    var projection: Projection?
    var hasProjection: Bool
    /// KeyConditionExpression, or KeyConditions.
    var keyCondition: Condition?

    init(_ fields: WireFields, isQuery: Bool) throws(AWSError) {
        tableName = try TableName.read(fields)
        indexName = try fields.string("IndexName")
        select = try fields.string("Select")
        consumed = try fields.string("ReturnConsumedCapacity")
        limit = try fields.integer("Limit")
        isConsistent = try fields.boolean("ConsistentRead") ?? false
        startKey = try fields["ExclusiveStartKey"].map { key throws(AWSError) in try AttributeValue.item(key) }
        let older = LegacyMixing.present(
            ["AttributesToGet", isQuery ? "QueryFilter" : "ScanFilter", "ConditionalOperator", "KeyConditions"], fields)
        let expressions = LegacyMixing.present(["ProjectionExpression", "FilterExpression", "KeyConditionExpression"], fields)
        try LegacyMixing.check(older, expressions)
        var inputs = try ExpressionInputs(fields)
        try inputs.check(
            hasExpressions: !expressions.isEmpty, valuesWhere: isQuery ? "FilterExpression" : "FilterExpression")
        if let text = try fields.string("FilterExpression") {
            filter = try ConditionParser.condition(text, of: "FilterExpression", &inputs)
        }
        projection = try ProjectionParts.read(fields, &inputs)
        hasProjection = projection != nil
        if isQuery {
            if let text = try fields.string("KeyConditionExpression") {
                keyCondition = try ConditionParser.condition(text, of: "KeyConditionExpression", &inputs)
            } else {
                keyCondition = try Self.keyConditions(fields)
            }
        }
        try inputs.checkUsed()
        if isQuery, let older = try LegacyConditions.condition("QueryFilter", fields) { filter = older }
        if !isQuery, let older = try LegacyConditions.condition("ScanFilter", fields) { filter = older }
    }

    /// The older form has no operator between its conditions.
    private static func keyConditions(_ fields: WireFields) throws(AWSError) -> Condition? {
        guard let condition = try LegacyConditions.condition("KeyConditions", fields) else { return nil }
        if case .any(let conditions) = condition { return .all(conditions) }
        return condition
    }

    var detail: Capacity.Detail { consumed.flatMap { Capacity.Detail(rawValue: $0) } ?? .none }

    // MARK: What is shown

    /// The reader of the pages, but for its range.
    func reader(_ tables: Tables) throws(AWSError) -> PageReader {
        let table = try tables.active(tableName ?? "")
        var index: KnownIndex?
        if let indexName {
            guard let found = table.index(indexName), found.definition.isFilled || found.definition.isLocal else {
                throw .invalid(
                    table.index(indexName) == nil
                        ? "The table does not have the specified index: \(indexName)"
                        : "Cannot read from backfilling global secondary index: \(indexName)")
            }
            guard !isConsistent || found.definition.isLocal else {
                throw .invalid("Consistent reads are not supported on global secondary indexes")
            }
            index = found
        }
        try checkSelect(index)
        if let index, !index.definition.isLocal, let shown = index.shown, let name = projection?.attribute(notIn: shown) {
            throw .invalidParameter(
                "Global secondary index \(index.definition.name) does not project [\(String(decoding: name, as: UTF8.self))]")
        }
        var reader = PageReader(table: table, index: index, range: KeyRange())
        reader.filter = filter
        reader.limit = limit
        reader.countsOnly = select == "COUNT"
        reader.projection = projection ?? (select == "ALL_ATTRIBUTES" ? nil : index?.shown)
        return reader
    }

    private func checkSelect(_ index: KnownIndex?) throws(AWSError) {
        switch select {
        case "COUNT" where hasProjection:
            throw .invalid("Cannot specify the AttributesToGet when choosing to get only the Count")
        case "ALL_ATTRIBUTES" where hasProjection:
            throw .invalid("Cannot specify the AttributesToGet when choosing to get ALL_ATTRIBUTES")
        case "ALL_PROJECTED_ATTRIBUTES" where index == nil:
            throw .invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
        case "ALL_PROJECTED_ATTRIBUTES" where hasProjection:
            throw .invalid("Cannot specify the AttributesToGet when choosing to get ALL_PROJECTED_ATTRIBUTES")
        case "SPECIFIC_ATTRIBUTES" where !hasProjection:
            throw .invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
        case "ALL_ATTRIBUTES":
            guard let index, !index.definition.isLocal, index.definition.projection != "ALL" else { return }
            throw .invalidParameter(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index \(index.definition.name) because its "
                    + "projection type is not ALL")
        default: return
        }
    }
}

/// A request for a page.
protocol PageRequest: WireReadable, NamesTable {
    var parts: PageParts { get }
}

extension PageRequest {
    var tableName: String? { parts.tableName }

    static var pageRules: [Rule<Self>] {
        [
            tableRule,
            .member("indexName", \.parts.indexName, .pattern(.name), .minLength(3), .maxLength(255)),
            .member("limit", \.parts.limit, .atLeast(1)),
            .member(
                "select", \.parts.select,
                .oneOf(["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"])),
            .member("returnConsumedCapacity", \.parts.consumed, Capacity.rule),
        ]
    }
}

/// A page as an answer.
struct PageResponse: AWSResponse {
    var page: PageReader.Page
    var countsOnly: Bool
    var capacity: Capacity
    var detail: Capacity.Detail

    init(_ page: PageReader.Page, _ reader: PageReader, _ parts: PageParts) {
        self.page = page
        countsOnly = reader.countsOnly
        detail = parts.detail
        let units = Capacity.read(page.bytes, isConsistent: parts.isConsistent)
        let name = reader.table.definition.name
        capacity = Capacity(table: name, units: reader.index == nil ? units : 0)
        guard let index = reader.index?.definition else { return }
        if index.isLocal { capacity.localIndexUnits[index.name] = units } else { capacity.indexUnits[index.name] = units }
    }

    func write(to writer: inout WireWriter) {
        writer.object { writer in
            if !countsOnly { writer.list("Items", page.items) { $0.value($1) } }
            writer.field("Count", page.count)
            writer.field("ScannedCount", page.scanned)
            writer.item("LastEvaluatedKey", page.last)
            writer.consumed(capacity, detail)
        }
    }
}
