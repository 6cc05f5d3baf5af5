/// `millrace sql`: run, ls, stop, check and discover with a server, replay without one.

import ArgumentParser
import Foundation

struct SQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Run streaming SQL programs, guess schemas, or replay a program over rows from a file.",
        subcommands: [
            Run.self, List.self, Stop.self, SQLCheckCommand.self, SQLExplainCommand.self, SQLCompareCommand.self,
            SQLExportCommand.self,
            SQLDiscoverCommand.self,
            SQLReplayCommand.self,
        ])

    private struct NameRequest: Encodable { var ApplicationName: String }

    private struct Detail: Decodable {
        struct Fields: Decodable {
            struct Input: Decodable { var InputId: String }
            var ApplicationStatus: String
            var ApplicationVersionId: Int64
            var InputDescriptions: [Input]?
        }
        var ApplicationDetail: Fields
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Create an application from a program and its definition, and start it; or show a program's rows as they come.",
            discussion: """
                With --definition: a CreateApplication request as JSON (its inputs, schema and outputs); the program is the SQL text. \
                An application of that name that is there already gets the new code.

                With --source: the program runs in this process over the records of a stream and its rows are printed, until it is \
                interrupted or --limit rows were shown. Nothing is created on the server and nothing is kept. The stream is \
                SOURCE_SQL_STREAM_001 to the program; its schema is guessed from its records (`millrace sql discover`) or given by \
                --schema. With --end-of-input it stops at the stream's present end and closes what is open.
                """)
        @Argument(help: "The program's file.") var program: String
        @Option(help: "A CreateApplication request as a JSON file; ApplicationCode comes from the program.") var definition: String?
        @Option(help: "The application's name (default: the definition's).") var name: String?
        @Option(help: "Where to begin to read: now, start, or, with --definition, last (where it was stopped).") var from = "now"
        @OptionGroup(title: "With --source") var live: LiveOptions

        func validate() throws {
            guard Self.positions[from] != nil else { throw ValidationError("--from takes now, start or last, not '\(from)'.") }
            guard (definition == nil) != (live.input.source == nil) else {
                throw ValidationError("Give either --definition or --source.")
            }
            if live.input.source != nil, from == "last" { throw ValidationError("--from last goes with --definition.") }
            if live.input.source != nil, name != nil { throw ValidationError("--name goes with --definition.") }
            try live.check()
        }

        private static let positions = ["now": "NOW", "start": "TRIM_HORIZON", "last": "LAST_STOPPED_POINT"]

        private struct StartRequest: Encodable {
            struct Input: Encodable {
                struct Position: Encodable { var InputStartingPosition: String }
                var Id: String
                var InputStartingPositionConfiguration: Position
            }
            var ApplicationName: String
            var InputConfigurations: [Input]
        }

        private struct UpdateRequest: Encodable {
            struct Update: Encodable { var ApplicationCodeUpdate: String }
            var ApplicationName: String
            var CurrentApplicationVersionId: Int64
            var ApplicationUpdate: Update
        }

        func run() async throws {
            let code = try ProgramText.read(program)
            if let source = live.input.source { return try await live.run(code, file: program, over: source, from: from) }
            if let definition { try await create(code, definition) }
        }

        private func create(_ code: String, _ definition: String) async throws {
            let file = try DefinitionFile(path: definition)
            guard let name = name ?? file.text("ApplicationName") else {
                throw CommandFailure(.usage, "\(definition): has no ApplicationName; give --name")
            }
            let client = live.input.server.client
            do {
                let body = try file.merging(["ApplicationName": name, "ApplicationCode": code])
                _ = try await client.send(.analytics, "CreateApplication", body)
                StandardError.print("Application \(name) created.")
            } catch let refusal as ServiceClient.Refusal where refusal.name == "ResourceInUseException" {
                let found = try await client.call(
                    .analytics, "DescribeApplication", NameRequest(ApplicationName: name), as: Detail.self)
                let update = UpdateRequest(
                    ApplicationName: name, CurrentApplicationVersionId: found.ApplicationDetail.ApplicationVersionId,
                    ApplicationUpdate: UpdateRequest.Update(ApplicationCodeUpdate: code))
                _ = try await client.call(.analytics, "UpdateApplication", update, as: NoAnswer.self)
                StandardError.print("Application \(name) updated.")
            } catch let refusal as ServiceClient.Refusal where refusal.name == "CodeValidationException" {
                throw CommandFailure(.programRefused, "\(program) was refused:\n\(refusal.message)")
            } catch {
                throw ServiceClient.failure(error)
            }
            let detail = try await client.call(
                .analytics, "DescribeApplication", NameRequest(ApplicationName: name), as: Detail.self
            )
            .ApplicationDetail
            guard detail.ApplicationStatus == "READY" else { return }
            let inputs = (detail.InputDescriptions ?? []).map {
                StartRequest.Input(
                    Id: $0.InputId,
                    InputStartingPositionConfiguration: StartRequest.Input.Position(
                        InputStartingPosition: Self.positions[from] ?? "NOW"))
            }
            _ = try await client.call(
                .analytics, "StartApplication", StartRequest(ApplicationName: name, InputConfigurations: inputs), as: NoAnswer.self)
            StandardError.print("Application \(name) started.")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the applications.")
        @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table

        struct Row: Listable, Decodable {
            var ApplicationName: String
            var ApplicationStatus: String
            var ApplicationARN: String
            /// Why it does not get on, or was stopped without being asked to.
            var ApplicationStatusReason: String?
            static let columns = ["NAME", "STATUS", "REASON"]
            var cells: [String] { [ApplicationName, ApplicationStatus, ApplicationStatusReason ?? ""] }
        }

        @OptionGroup var server: ServerOptions

        func run() async throws {
            struct Request: Encodable {
                var Limit = 50
                var ExclusiveStartApplicationName: String?
            }
            struct Answer: Decodable {
                var ApplicationSummaries: [Row]
                var HasMoreApplications: Bool
            }
            let client = server.client
            var rows: [Row] = []
            while true {
                let page = try await client.call(
                    .analytics, "ListApplications", Request(ExclusiveStartApplicationName: rows.last?.ApplicationName),
                    as: Answer.self)
                rows += page.ApplicationSummaries
                if !page.HasMoreApplications || page.ApplicationSummaries.isEmpty { break }
            }
            try ListPrinter.print(rows, as: output)
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop an application; its state is kept.")
        @Argument(help: "The application's name.") var name: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            _ = try await server.client.call(
                .analytics, "StopApplication", NameRequest(ApplicationName: name), as: NoAnswer.self)
            StandardError.print("Application \(name) stopped.")
        }
    }
}
