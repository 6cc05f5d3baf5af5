/// The DynamoDB API over the store's latest values: settings, and the table of its operations.

public import AWSWire
public import Host
public import NodeMetrics
public import StreamStore

/// DynamoDB_20120810 on one store: what the KCL keeps its leases in, and durable tables of keys and values for everybody. See <doc:DynamoService>.
public struct Dynamo: Sendable {
    /// What the service needs to know of its node.
    public struct Settings: Sendable {
        /// As in `us-east-1`; stands in ARNs.
        public var region: String
        /// Twelve digits; stands in ARNs.
        public var accountID: String
        /// Where the node is called, for DescribeEndpoints.
        public var endpoint = "127.0.0.1:4566"
        public var options = DynamoOptions()

        public init(region: String, accountID: String) {
            (self.region, self.accountID) = (region, accountID)
        }
    }

    let settings: Settings
    let opener: TablesOpener
    let metrics: DynamoMetrics
    let clock: any TimeSource

    public init(store: any StreamStore, clock: any TimeSource, settings: Settings, metrics: MetricsRegistry) {
        self.settings = settings
        self.clock = clock
        let counted = DynamoMetrics(metrics)
        self.metrics = counted
        let opener = TablesOpener(store, clock, settings.options, counted)
        self.opener = opener
        counted.observe { opener.opened }
    }

    /// Opens the tables if there are any: until then items do not expire.
    /// - Throws: an InternalFailure that says why they cannot be; callers will be told the same.
    public func open() async throws(AWSError) { try await opener.openIfThereAreAny() }

    /// Refuses what comes from now on and returns when what was accepted has been answered.
    public func close() async { await opener.close() }

    /// The tags of a table, for policies; nil where there is no such table.
    public func tags(of resource: ResourceName) -> [String: String]? {
        guard resource.service == "dynamodb", resource.resource.hasPrefix("table/") else { return nil }
        let name = resource.resource.dropFirst("table/".count).prefix { $0 != "/" }
        return opener.opened?.find(String(name))?.definition.tags
    }

    /// The service for the dispatcher. A new operation is a file in `Operations/` and a line here.
    public var service: AWSService {
        AWSService(prefix: "DynamoDB_20120810", serving: self, Self.served + Self.refused)
    }

    private static let served: [OperationEntry<Dynamo>] = [
        .operation(BatchGetItem.self),
        .operation(BatchWriteItem.self),
        .operation(CreateTable.self),
        .direct(DeleteItem.self),
        .operation(DeleteTable.self),
        .operation(DescribeContinuousBackups.self),
        .operation(DescribeEndpoints.self),
        .operation(DescribeLimits.self),
        .operation(DescribeTable.self),
        .operation(DescribeTimeToLive.self),
        .direct(GetItem.self),
        .operation(ListTables.self),
        .operation(ListTagsOfResource.self),
        .direct(PutItem.self),
        .operation(Query.self),
        .operation(Scan.self),
        .operation(TagResource.self),
        .operation(TransactGetItems.self),
        .operation(TransactWriteItems.self),
        .operation(UntagResource.self),
        .direct(UpdateItem.self),
        .operation(UpdateTable.self),
        .operation(UpdateTimeToLive.self),
    ]

    /// What the API has besides.
    private static let refused: [OperationEntry<Dynamo>] = [
        ("BatchExecuteStatement", "PartiQL"), ("ExecuteStatement", "PartiQL"), ("ExecuteTransaction", "PartiQL"),
        ("CreateBackup", "Backups of single tables"), ("DeleteBackup", "Backups of single tables"),
        ("DescribeBackup", "Backups of single tables"), ("ListBackups", "Backups of single tables"),
        ("RestoreTableFromBackup", "Backups of single tables"), ("RestoreTableToPointInTime", "Point-in-time recovery"),
        ("UpdateContinuousBackups", "Point-in-time recovery"), ("CreateGlobalTable", "Global tables"),
        ("DescribeGlobalTable", "Global tables"), ("DescribeGlobalTableSettings", "Global tables"),
        ("ListGlobalTables", "Global tables"), ("UpdateGlobalTable", "Global tables"),
        ("UpdateGlobalTableSettings", "Global tables"), ("DescribeTableReplicaAutoScaling", "Global tables"),
        ("UpdateTableReplicaAutoScaling", "Global tables"), ("DescribeContributorInsights", "Contributor insights"),
        ("ListContributorInsights", "Contributor insights"), ("UpdateContributorInsights", "Contributor insights"),
        ("DescribeExport", "Exports"), ("ExportTableToPointInTime", "Exports"), ("ListExports", "Exports"),
        ("DescribeImport", "Imports"), ("ImportTable", "Imports"), ("ListImports", "Imports"),
        ("DescribeKinesisStreamingDestination", "Streams of changes"), ("DisableKinesisStreamingDestination", "Streams of changes"),
        ("EnableKinesisStreamingDestination", "Streams of changes"), ("UpdateKinesisStreamingDestination", "Streams of changes"),
        ("DeleteResourcePolicy", "Resource policies of tables"), ("GetResourcePolicy", "Resource policies of tables"),
        ("PutResourcePolicy", "Resource policies of tables"),
    ].map { name, what in
        .refused(
            name, of: "dynamodb",
            AWSError(.unknownOperation, "\(what) are not served by this node: \(name). `millrace backup` covers all tables."))
    }

    // MARK: ARNs

    func arn(_ table: String, _ region: String?) -> String {
        ARN(
            service: "dynamodb", region: region ?? settings.region, account: settings.accountID, resource: "table/\(table)"
        ).description
    }

    static func resource(_ table: String?, index: String? = nil, operation: String? = nil) -> ResourceName {
        let name = table ?? ""
        return ResourceName(
            service: "dynamodb", resource: index.map { "table/\(name)/index/\($0)" } ?? "table/\(name)", operation: operation)
    }
}
