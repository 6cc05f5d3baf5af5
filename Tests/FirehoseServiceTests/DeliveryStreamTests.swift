/// Creating, describing, listing and deleting delivery streams.

import AWSWire
import Delivery
import Foundation
import StreamStore
import StreamStoreTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct DeliveryStreamTests {
    @Test("what was created is described")
    func described() async throws {
        let caller = Caller()
        let logging: JSONValue = ["Enabled": true, "LogGroupName": "g", "LogStreamName": "s"]
        let answer = try await caller.success(
            "CreateDeliveryStream",
            Caller.creation(
                "orders", ["DeliveryStreamType": "DirectPut", "Tags": [["Key": "team", "Value": "data"], ["Key": "bare"]]],
                extended: [
                    "CloudWatchLoggingOptions": logging, "EncryptionConfiguration": ["NoEncryptionConfig": "NoEncryption"],
                    "FileExtension": ".json.gz", "CustomTimeZone": "Asia/Tokyo", "ErrorOutputPrefix": "bad/",
                    "S3BackupMode": "Disabled",
                    "ProcessingConfiguration": ["Enabled": false],
                ]))
        #expect(answer == ["DeliveryStreamARN": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/orders"])
        let description = try await caller.success("DescribeDeliveryStream", ["DeliveryStreamName": "orders"])[
            "DeliveryStreamDescription"]
        #expect(description?["DeliveryStreamName"] == "orders" && description?["DeliveryStreamStatus"] == "ACTIVE")
        #expect(description?["DeliveryStreamARN"] == answer["DeliveryStreamARN"])
        #expect(description?["DeliveryStreamType"] == "DirectPut" && description?["VersionId"] == "1")
        #expect(description?["HasMoreDestinations"] == false && description?["Source"] == nil)
        #expect(description?["CreateTimestamp"]?.double == 1_700_000_000)
        #expect(description?["DeliveryStreamEncryptionConfiguration"] == ["Status": "DISABLED"])
        let destination = description?["Destinations"]?.array?.first
        #expect(destination?["DestinationId"] == "destinationId-000000000001")
        for form in ["S3DestinationDescription", "ExtendedS3DestinationDescription"] {
            let s3 = destination?[form]
            #expect(s3?["RoleARN"] == .string(Caller.role) && s3?["BucketARN"] == "arn:aws:s3:::lake" && s3?["Prefix"] == "p/")
            #expect(s3?["BufferingHints"] == ["SizeInMBs": 1, "IntervalInSeconds": 60] && s3?["CompressionFormat"] == "GZIP")
            #expect(s3?["EncryptionConfiguration"] == ["NoEncryptionConfig": "NoEncryption"] && s3?["ErrorOutputPrefix"] == "bad/")
            #expect(s3?["CloudWatchLoggingOptions"] == logging)
        }
        let extended = destination?["ExtendedS3DestinationDescription"]
        #expect(extended?["S3BackupMode"] == "Disabled" && extended?["FileExtension"] == ".json.gz")
        #expect(extended?["CustomTimeZone"] == "Asia/Tokyo" && extended?["ProcessingConfiguration"] == ["Enabled": false])
        #expect(
            try await caller.success("ListTagsForDeliveryStream", ["DeliveryStreamName": "orders", "Limit": 1])
                == ["Tags": [["Key": "team", "Value": "data"]], "HasMoreTags": true])
        #expect(
            try await caller.success("ListTagsForDeliveryStream", ["DeliveryStreamName": "orders", "ExclusiveStartTagKey": "team"])
                == ["Tags": [["Key": "bare"]], "HasMoreTags": false])
        await caller.manager.close()
    }

    @Test("the plain S3 form is described without the extended one, and defaults are told")
    func plain() async throws {
        let caller = Caller()
        let bare = Caller.destination(["BufferingHints": .null, "CompressionFormat": .null, "Prefix": .null])
        _ = try await caller.success(
            "CreateDeliveryStream",
            Caller.creation("d", ["S3DestinationConfiguration": bare, "ExtendedS3DestinationConfiguration": .null]))
        let description = try await caller.success("DescribeDeliveryStream", ["DeliveryStreamName": "d"])[
            "DeliveryStreamDescription"]
        let destination = description?["Destinations"]?.array?.first
        #expect(destination?["ExtendedS3DestinationDescription"] == nil)
        let s3 = destination?["S3DestinationDescription"]
        #expect(s3?["BufferingHints"] == ["SizeInMBs": 5, "IntervalInSeconds": 300] && s3?["CompressionFormat"] == "UNCOMPRESSED")
        await caller.manager.close()
    }

    @Test("a Kinesis stream as source is described with its start")
    func kinesis() async throws {
        let caller = Caller()
        _ = try await caller.store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 2))
        let arn: JSONValue = "arn:aws:kinesis:eu-west-1:123456789012:stream/s"
        let body = Caller.creation(
            "d",
            [
                "DeliveryStreamType": "KinesisStreamAsSource",
                "KinesisStreamSourceConfiguration": ["KinesisStreamARN": arn, "RoleARN": .string(Caller.role)],
            ])
        _ = try await caller.success("CreateDeliveryStream", body)
        let description = try await caller.success("DescribeDeliveryStream", ["DeliveryStreamName": "d"])[
            "DeliveryStreamDescription"]
        let source = description?["Source"]?["KinesisStreamSourceDescription"]
        #expect(source?["KinesisStreamARN"] == arn && source?["DeliveryStartTimestamp"]?.double == 1_700_000_000)
        #expect(description?["DeliveryStreamType"] == "KinesisStreamAsSource")
        let put = try await caller.failure("PutRecord", ["DeliveryStreamName": "d", "Record": ["Data": "eA=="]])
        #expect(put.name == "InvalidArgumentException")
        await caller.manager.close()
    }

    @Test("requests of the examples and clients are accepted")
    func examples() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let streams = root.appendingPathComponent("Streams").resolvingSymlinksInPath()
        let files = try FileManager.default.subpathsOfDirectory(atPath: streams.path)
            .filter { $0.hasSuffix("delivery.json") }
        #expect(!files.isEmpty)
        for file in files {
            let caller = Caller()
            let body = try JSONValue(parsing: Array(Data(contentsOf: streams.appendingPathComponent(file))))
            if let arn = body["KinesisStreamSourceConfiguration"]?["KinesisStreamARN"]?.string,
                let name = arn.split(separator: "/").last
            {
                _ = try await caller.store.createStream(StreamDefinition(key: StreamKey(String(name)), shardCount: 1))
            }
            _ = try await caller.success("CreateDeliveryStream", body)
            await caller.manager.close()
        }
    }

    @Test(
        "every compression format that is here is taken",
        arguments: ["UNCOMPRESSED", "GZIP", "ZSTD", "LZ4", "Snappy", "HADOOP_SNAPPY", "ZIP"])
    func formats(format: String) async throws {
        let caller = Caller()
        _ = try await caller.success("CreateDeliveryStream", Caller.creation(extended: ["CompressionFormat": .string(format)]))
        await caller.manager.close()
    }

    @Test(
        "what is not supported is refused with the field's name",
        arguments: [
            ("ProcessingConfiguration", ["Enabled": true, "Processors": []]),
            ("S3BackupMode", "Enabled"),
            ("DataFormatConversionConfiguration", [:]), ("DynamicPartitioningConfiguration", ["Enabled": true]),
            ("EncryptionConfiguration", ["KMSEncryptionConfig": ["AWSKMSKeyARN": "arn"]]),
        ] as [(String, JSONValue)])
    func notSupported(field: String, value: JSONValue) async throws {
        let caller = Caller()
        let failure = try await caller.failure("CreateDeliveryStream", Caller.creation(extended: [field: value]))
        #expect(failure.name == "InvalidArgumentException")
        #expect(failure.message.hasPrefix("ExtendedS3DestinationConfiguration.\(field)"), "\(failure.message)")
        #expect(failure.message.contains("not supported yet"))
    }

    @Test(
        "other destinations, sources and encryption are refused with their names",
        arguments: [
            "RedshiftDestinationConfiguration", "ElasticsearchDestinationConfiguration",
            "AmazonopensearchserviceDestinationConfiguration",
            "AmazonOpenSearchServerlessDestinationConfiguration", "SplunkDestinationConfiguration",
            "HttpEndpointDestinationConfiguration",
            "SnowflakeDestinationConfiguration", "IcebergDestinationConfiguration", "MSKSourceConfiguration",
            "DatabaseSourceConfiguration",
            "DeliveryStreamEncryptionConfigurationInput",
        ])
    func otherConfigurations(field: String) async throws {
        let failure = try await Caller().failure("CreateDeliveryStream", Caller.creation("d", [field: ["RoleARN": "x"]]))
        #expect(failure.name == "InvalidArgumentException" && failure.message == "\(field) is not supported yet by this service.")
    }

    @Test(
        "requests that contradict themselves are invalid arguments",
        arguments: [
            Caller.creation("d", ["ExtendedS3DestinationConfiguration": .null]),
            Caller.creation("d", ["S3DestinationConfiguration": Caller.destination()]),
            Caller.creation(extended: ["BufferingHints": ["SizeInMBs": 1]]),
            Caller.creation(extended: ["BufferingHints": ["IntervalInSeconds": 1]]),
            Caller.creation("d", ["DeliveryStreamType": "KinesisStreamAsSource"]),
            Caller.creation("d", ["DeliveryStreamType": "MSKAsSource"]),
            Caller.creation(extended: ["Prefix": "!{timestamp:Q}/"]), Caller.creation(extended: ["Prefix": "../"]),
            Caller.creation(extended: ["Prefix": "!{timestamp:yyyy}/"]),
            Caller.creation(extended: ["CustomTimeZone": "Mars/Olympus"]),
            Caller.creation(extended: ["BucketARN": "arn:aws:s3:::.."]),
            Caller.creation(
                "d",
                [
                    "KinesisStreamSourceConfiguration": [
                        "KinesisStreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s", "RoleARN": .string(Caller.role),
                    ]
                ]),
            Caller.creation(
                "d",
                [
                    "DeliveryStreamType": "KinesisStreamAsSource",
                    "KinesisStreamSourceConfiguration": [
                        "KinesisStreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/none", "RoleARN": .string(Caller.role),
                    ],
                ]),
        ])
    func contradictions(body: JSONValue) async throws {
        let failure = try await Caller().failure("CreateDeliveryStream", body)
        #expect(failure.name == "InvalidArgumentException", "\(failure)")
        #expect(!failure.message.isEmpty)
    }

    @Test(
        "what breaks the model's rules is a validation error that names the member",
        arguments: [
            (Caller.creation("d", ["DeliveryStreamName": .null]), "deliveryStreamName"),
            (Caller.creation("a b"), "deliveryStreamName"),
            (Caller.creation(String(repeating: "a", count: 65)), "deliveryStreamName"),
            (Caller.creation("d", ["DeliveryStreamType": "X"]), "deliveryStreamType"),
            (
                Caller.creation(extended: ["BufferingHints": ["SizeInMBs": 129, "IntervalInSeconds": 60]]),
                "bufferingHints.sizeInMBs"
            ),
            (
                Caller.creation(extended: ["BufferingHints": ["SizeInMBs": 1, "IntervalInSeconds": 901]]),
                "bufferingHints.intervalInSeconds"
            ),
            (Caller.creation(extended: ["CompressionFormat": "BROTLI"]), "compressionFormat"),
            (Caller.creation(extended: ["RoleARN": .null]), "roleARN"), (Caller.creation(extended: ["RoleARN": "role"]), "roleARN"),
            (Caller.creation(extended: ["BucketARN": "lake"]), "bucketARN"),
            (Caller.creation(extended: ["FileExtension": "GZ"]), "fileExtension"),
            (Caller.creation(extended: ["CustomTimeZone": "+01:00"]), "customTimeZone"),
            (Caller.creation("d", ["Tags": []]), "tags"),
            (Caller.creation("d", ["Tags": [["Value": "v"]]]), "tags.1.member.key"),
        ])
    func validation(body: JSONValue, member: String) async throws {
        let failure = try await Caller().failure("CreateDeliveryStream", body)
        #expect(
            failure.name == "ValidationException" && failure.message.contains("\(member)' failed to satisfy constraint"),
            "\(failure)")
    }

    @Test("the number of delivery streams is limited where the settings say so")
    func limit() async throws {
        let caller = Caller(deliveryStreamLimit: 1)
        _ = try await caller.success("CreateDeliveryStream", Caller.creation())
        let failure = try await caller.failure("CreateDeliveryStream", Caller.creation("e"))
        #expect(failure == ("LimitExceededException", "You have already consumed your firehose quota of 1 hoses."))
        #expect(try await caller.failure("CreateDeliveryStream", Caller.creation()).name == "ResourceInUseException")
        await caller.manager.close()
    }

    @Test("a name is used once, and free again after its deletion")
    func deletion() async throws {
        let caller = Caller()
        _ = try await caller.success("CreateDeliveryStream", Caller.creation())
        #expect(try await caller.failure("CreateDeliveryStream", Caller.creation()).name == "ResourceInUseException")
        #expect(try await caller.success("DeleteDeliveryStream", ["DeliveryStreamName": "d", "AllowForceDelete": true]) == [:])
        for operation in ["DescribeDeliveryStream", "DeleteDeliveryStream", "ListTagsForDeliveryStream"] {
            let failure = try await caller.failure(operation, ["DeliveryStreamName": "d"])
            #expect(failure == ("ResourceNotFoundException", "Firehose d under account 123456789012 not found."))
        }
        _ = try await caller.success("CreateDeliveryStream", Caller.creation())
        await caller.manager.close()
    }

    @Test("lists come in pages of ten, by name, and by type")
    func lists() async throws {
        let caller = Caller()
        #expect(
            try await caller.success("ListDeliveryStreams", [:]) == ["DeliveryStreamNames": [], "HasMoreDeliveryStreams": false])
        for number in 10..<22 { _ = try await caller.success("CreateDeliveryStream", Caller.creation("d\(number)")) }
        let first = try await caller.success("ListDeliveryStreams", [:])
        #expect(
            first["DeliveryStreamNames"] == .array((10..<20).map { .string("d\($0)") }) && first["HasMoreDeliveryStreams"] == true)
        #expect(
            try await caller.success(
                "ListDeliveryStreams", ["ExclusiveStartDeliveryStreamName": "d19", "DeliveryStreamType": "DirectPut"])
                == ["DeliveryStreamNames": ["d20", "d21"], "HasMoreDeliveryStreams": false])
        #expect(
            try await caller.success("ListDeliveryStreams", ["DeliveryStreamType": "KinesisStreamAsSource", "Limit": 10_000])
                == ["DeliveryStreamNames": [], "HasMoreDeliveryStreams": false])
        #expect(try await caller.failure("ListDeliveryStreams", ["Limit": 0]).name == "ValidationException")
        await caller.manager.close()
    }
}
