/// `millrace delivery`: create, ls and delete.

import ArgumentParser
import Foundation

struct DeliveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delivery", abstract: "Create, list and delete delivery streams.",
        subcommands: [Create.self, List.self, Delete.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a delivery stream.",
            discussion: """
                From a request file: millrace delivery create --definition delivery.json
                Or by flags:         millrace delivery create lake --from sensors --size 1MB --interval 10s --format gzip
                """)
        @Argument(help: "The delivery stream's name.") var name: String?
        @Option(help: "A CreateDeliveryStream request as a JSON file.") var definition: String?
        @Option(help: "Deliver this stream's records (default: what is put to the delivery stream itself).") var from: String?
        @Option(help: "The bucket (default: the delivery stream's name).") var bucket: String?
        @Option(help: "What object names begin with.") var prefix = ""
        @Option(help: "Cut an object at this size, such as 1MB (1...128 MB).") var size = "5MB"
        @Option(help: "Cut an object after this time, such as 60s (0...900 s).") var interval = "300s"
        @Option(help: "gzip, zstd, lz4 or none.") var format = "gzip"

        func validate() throws {
            guard name != nil || definition != nil else { throw ValidationError("Give a name, or --definition FILE.") }
            _ = try hints()
            guard Self.formats[format] != nil else {
                throw ValidationError("--format takes gzip, zstd, lz4 or none, not '\(format)'.")
            }
        }

        private static let formats = ["gzip": "GZIP", "zstd": "ZSTD", "lz4": "LZ4", "none": "UNCOMPRESSED"]

        private func hints() throws -> (megabytes: Int, seconds: Int) {
            guard let megabytes = size.wholeMatch(of: /([0-9]{1,3})(MB|MiB|M)?/).flatMap({ Int($0.1) }) else {
                throw ValidationError("--size takes megabytes such as 1MB, not '\(size)'.")
            }
            guard let seconds = interval.wholeMatch(of: /([0-9]{1,3})s?/).flatMap({ Int($0.1) }) else {
                throw ValidationError("--interval takes seconds such as 10s, not '\(interval)'.")
            }
            return (megabytes, seconds)
        }

        private struct Request: Encodable {
            struct Source: Encodable {
                var KinesisStreamARN: String
                var RoleARN: String
            }
            struct Destination: Encodable {
                struct Hints: Encodable {
                    var SizeInMBs: Int
                    var IntervalInSeconds: Int
                }
                var RoleARN: String
                var BucketARN: String
                var Prefix: String
                var BufferingHints: Hints
                var CompressionFormat: String
            }
            var DeliveryStreamName: String
            var DeliveryStreamType: String
            var KinesisStreamSourceConfiguration: Source?
            var ExtendedS3DestinationConfiguration: Destination
        }

        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = server.client
            struct Answer: Decodable { var DeliveryStreamARN: String }
            if let definition {
                let body = try DefinitionFile(path: definition).merging(["DeliveryStreamName": name])
                let answer: Data
                do {
                    answer = try await client.send(.firehose, "CreateDeliveryStream", body)
                } catch { throw ServiceClient.failure(error) }
                StandardError.print(
                    "Delivery stream created: \(try JSONDecoder().decode(Answer.self, from: answer).DeliveryStreamARN)")
                return
            }
            guard let name else { return }
            let hints = try hints()
            // The role is not used here, but the API wants one.
            let role = "arn:aws:iam::000000000000:role/millrace"
            var source: Request.Source?
            if let from {
                source = Request.Source(
                    KinesisStreamARN: try await StreamCommand.describe(from, through: client).StreamARN, RoleARN: role)
            }
            let request = Request(
                DeliveryStreamName: name, DeliveryStreamType: source == nil ? "DirectPut" : "KinesisStreamAsSource",
                KinesisStreamSourceConfiguration: source,
                ExtendedS3DestinationConfiguration: Request.Destination(
                    RoleARN: role, BucketARN: "arn:aws:s3:::\(bucket ?? name)", Prefix: prefix,
                    BufferingHints: Request.Destination.Hints(SizeInMBs: hints.megabytes, IntervalInSeconds: hints.seconds),
                    CompressionFormat: Self.formats[format] ?? "GZIP"))
            let answer = try await client.call(.firehose, "CreateDeliveryStream", request, as: Answer.self)
            StandardError.print("Delivery stream created: \(answer.DeliveryStreamARN)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the delivery streams.")
        @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table

        struct Row: Listable {
            var DeliveryStreamName: String
            var DeliveryStreamType: String
            var DeliveryStreamStatus: String
            /// Why it does not get on.
            var Reason: String?
            static let columns = ["NAME", "TYPE", "STATUS", "REASON"]
            var cells: [String] { [DeliveryStreamName, DeliveryStreamType, DeliveryStreamStatus, Reason ?? ""] }
        }

        @OptionGroup var server: ServerOptions

        func run() async throws {
            struct ListRequest: Encodable {
                var Limit = 10_000
                var ExclusiveStartDeliveryStreamName: String?
            }
            struct Names: Decodable {
                var DeliveryStreamNames: [String]
                var HasMoreDeliveryStreams: Bool
            }
            struct NameRequest: Encodable { var DeliveryStreamName: String }
            struct Description: Decodable {
                struct Failure: Decodable { var Details: String }
                struct Fields: Decodable {
                    var FailureDescription: Failure?
                    var DeliveryStreamName: String
                    var DeliveryStreamType: String
                    var DeliveryStreamStatus: String
                }
                var DeliveryStreamDescription: Fields
            }
            let client = server.client
            var names: [String] = []
            while true {
                let page = try await client.call(
                    .firehose, "ListDeliveryStreams", ListRequest(ExclusiveStartDeliveryStreamName: names.last), as: Names.self)
                names += page.DeliveryStreamNames
                if !page.HasMoreDeliveryStreams || page.DeliveryStreamNames.isEmpty { break }
            }
            var rows: [Row] = []
            for name in names {
                let found = try await client.call(
                    .firehose, "DescribeDeliveryStream", NameRequest(DeliveryStreamName: name), as: Description.self
                ).DeliveryStreamDescription
                rows.append(
                    Row(
                        DeliveryStreamName: found.DeliveryStreamName, DeliveryStreamType: found.DeliveryStreamType,
                        DeliveryStreamStatus: found.DeliveryStreamStatus, Reason: found.FailureDescription?.Details))
            }
            try ListPrinter.print(rows, as: output)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a delivery stream; its objects stay.")
        @Argument(help: "The delivery stream's name.") var name: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            struct Request: Encodable { var DeliveryStreamName: String }
            _ = try await server.client.call(
                .firehose, "DeleteDeliveryStream", Request(DeliveryStreamName: name), as: NoAnswer.self)
            StandardError.print("Delivery stream \(name) deleted.")
        }
    }
}
