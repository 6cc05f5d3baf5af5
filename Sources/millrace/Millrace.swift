/// The command line: its verbs and the status each outcome ends with.

import ArgumentParser
import Foundation

@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "A durable stream engine: Kinesis streams, Kinesis Analytics SQL and Firehose delivery on your own machine.",
        discussion: """
            Start a server with `millrace serve`, then use any AWS SDK or the aws CLI with its endpoint URL, or the verbs below \
            (they speak to $AWS_ENDPOINT_URL, else to http://127.0.0.1:4566).

            Exit status: 0 ok, 1 failed, 2 the SQL program was refused, 3 not found, 4 conflict or already there, 5 server not \
            reachable, 6 refused, 7 damaged data found, 64 wrong usage, 130 interrupted.
            """,
        version: BuildInformation.version,
        subcommands: [
            ServeCommand.self, StreamCommand.self, PutCommand.self, TailCommand.self, CatCommand.self, SQLCommand.self,
            QueryCommand.self,
            DeliveryCommand.self,
            ForestCommand.self, DemoCommand.self, VerifyCommand.self, BackupCommand.self, RestoreCommand.self,
            ConsumerCommand.self, CredentialsCommand.self,
            PolicyCommand.self, ConfigCommand.self,
            VersionCommand.self,
        ])

    /// Parses and runs; a failure that a command names ends with its own status, everything else as the parser decides.
    static func main() async {
        // A reader of ours, or a peer, that goes away is a failed write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            StandardError.print(failure.message)
            Foundation.exit(failure.status.rawValue)
        } catch {
            exit(withError: error)
        }
    }
}

/// The exit statuses of every verb.
enum ExitStatus: Int32, Sendable {
    case failed = 1
    case programRefused = 2
    case notFound = 3
    case conflict = 4
    case unreachable = 5
    case refused = 6
    case damaged = 7
    case usage = 64
    case interrupted = 130
}

/// A failure with what to tell the user and how to exit.
struct CommandFailure: Error, Sendable {
    var status: ExitStatus
    var message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}

/// What this program is.
enum BuildInformation {
    static let version = "0.1.0"
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")
    func run() { print("millrace \(BuildInformation.version)") }
}
