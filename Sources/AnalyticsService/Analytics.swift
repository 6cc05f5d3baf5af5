/// The Kinesis Analytics API in both versions: what its operations work on, and the tables of operations.

public import AWSWire
public import Host
import StreamEngine

/// The Kinesis Analytics service of a node. Both versions of the API show the same applications.
public struct Analytics: Sendable {
    /// What the service needs to know of its node.
    public struct Settings: Sendable {
        /// As in `us-east-1`; stands in ARNs.
        public var region: String
        /// Twelve digits; stands in ARNs.
        public var accountID: String
        /// How many applications may exist; CreateApplication is refused beyond it. Nil is no limit.
        public var applicationLimit: Int?
        /// How many outputs an application may have. Nil is no limit.
        public var outputLimit: Int?

        public init(region: String, accountID: String, applicationLimit: Int? = nil, outputLimit: Int? = nil) {
            self.region = region
            self.accountID = accountID
            self.applicationLimit = applicationLimit
            self.outputLimit = outputLimit
        }
    }

    let applications: any ApplicationControl
    let clock: any TimeSource
    let settings: Settings

    /// - Parameter applications: the node's `ApplicationManager`.
    public init(applications: any ApplicationControl, clock: any TimeSource, settings: Settings) {
        self.applications = applications
        self.clock = clock
        self.settings = settings
    }

    /// Both versions and queries, to be given to a dispatcher.
    public var services: [AWSService] { [version1, version2, own] }

    /// What AWS has no operation for.
    private var own: AWSService { AWSService(prefix: "Millrace_20261130", serving: self, [.direct(Query.self)]) }

    private var version1: AWSService {
        AWSService(
            prefix: "KinesisAnalytics_20150814", serving: self,
            [
                .operation(V1.AddApplicationCloudWatchLoggingOption.self),
                .operation(V1.AddApplicationInput.self),
                .operation(V1.AddApplicationInputProcessingConfiguration.self),
                .operation(V1.AddApplicationOutput.self),
                .operation(V1.AddApplicationReferenceDataSource.self),
                .operation(V1.CreateApplication.self),
                .operation(DeleteApplication.self),
                .operation(V1.DeleteApplicationCloudWatchLoggingOption.self),
                .operation(V1.DeleteApplicationInputProcessingConfiguration.self),
                .operation(V1.DeleteApplicationOutput.self),
                .operation(V1.DeleteApplicationReferenceDataSource.self),
                .operation(V1.DescribeApplication.self),
                .operation(V1.DiscoverInputSchema.self),
                .operation(V1.ListApplications.self),
                .operation(ListTagsForResource.self),
                .operation(V1.StartApplication.self),
                .operation(V1.StopApplication.self),
                .operation(TagResource.self),
                .operation(UntagResource.self),
                .operation(V1.UpdateApplication.self),
            ])
    }

    private var version2: AWSService {
        AWSService(
            prefix: "KinesisAnalytics_20180523", serving: self,
            [
                .operation(V2.AddApplicationCloudWatchLoggingOption.self),
                .operation(V2.AddApplicationInput.self),
                .operation(V2.AddApplicationInputProcessingConfiguration.self),
                .operation(V2.AddApplicationOutput.self),
                .operation(V2.AddApplicationReferenceDataSource.self),
                .operation(V2.AddApplicationVpcConfiguration.self),
                .operation(V2.CreateApplication.self),
                .operation(V2.CreateApplicationPresignedUrl.self),
                .operation(V2.CreateApplicationSnapshot.self),
                .operation(DeleteApplication.self),
                .operation(V2.DeleteApplicationCloudWatchLoggingOption.self),
                .operation(V2.DeleteApplicationInputProcessingConfiguration.self),
                .operation(V2.DeleteApplicationOutput.self),
                .operation(V2.DeleteApplicationReferenceDataSource.self),
                .operation(V2.DeleteApplicationSnapshot.self),
                .operation(V2.DeleteApplicationVpcConfiguration.self),
                .operation(V2.DescribeApplication.self),
                .operation(V2.DescribeApplicationOperation.self),
                .operation(V2.DescribeApplicationSnapshot.self),
                .operation(V2.DescribeApplicationVersion.self),
                .operation(V2.DiscoverInputSchema.self),
                .operation(V2.ListApplicationOperations.self),
                .operation(V2.ListApplicationSnapshots.self),
                .operation(V2.ListApplicationVersions.self),
                .operation(V2.ListApplications.self),
                .operation(ListTagsForResource.self),
                .operation(V2.RollbackApplication.self),
                .operation(V2.StartApplication.self),
                .operation(V2.StopApplication.self),
                .operation(TagResource.self),
                .operation(UntagResource.self),
                .operation(V2.UpdateApplication.self),
                .operation(V2.UpdateApplicationMaintenanceConfiguration.self),
            ])
    }
}

/// The operations of version 1, 2015-08-14.
enum V1 {}
/// The operations of version 2, 2018-05-23, as far as they are about SQL applications.
enum V2 {}

/// A version of the API, where its shapes differ in details.
enum APIVersion: Sendable {
    case v1
    case v2
}

extension Analytics {
    /// The ARN of an application.
    func arn(_ name: String) -> String {
        ARN(service: "kinesisanalytics", region: settings.region, account: settings.accountID, resource: "application/\(name)")
            .description
    }
}
