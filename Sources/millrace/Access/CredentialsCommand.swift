/// `millrace credentials`: create, ls, revoke.

import AWSWire
import ArgumentParser
import Foundation
import Host

struct CredentialsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credentials", abstract: "Make, list and revoke the keys that may call a server.",
        discussion: """
            As soon as there is a key, a server of this data directory asks every call for its signature. A running server that was \
            started with a credentials file takes changes over within a second or two.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    /// Where the keys are.
    struct Place: ParsableArguments {
        @Option(help: "The data directory whose server the keys are for (default ./millrace-data).") var dataDir: String?
        @Option(help: "A credentials file elsewhere, as `serve --credentials` takes it.") var file: String?

        func store() throws(CommandFailure) -> CredentialStore {
            try CredentialsOption.store(file, dataDirectory: dataDir)
        }
    }

    enum SecretFormat: String, ExpressibleByArgument, CaseIterable {
        case text, json, env
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key for a user; its secret is shown this once.",
            discussion: "Without --policy the user may do everything.")
        @Argument(help: "The user's name: letters, digits and _+=,.@-") var user: String
        @Option(help: "A policy of IAM's form as a JSON file; may be given several times.") var policy: [String] = []
        @OptionGroup var place: Place
        @Option(help: "text, json, or env for lines that a shell can take over.") var output = SecretFormat.text

        func run() async throws {
            let policies = try policy.isEmpty ? [PolicyDocument.administrator] : policy.map { try PolicyFile.json($0) }
            let key: AccessKey
            do throws(MalformedPolicy) {
                key = try AccessKey.generated(
                    user: user, created: Int64(Date().timeIntervalSince1970), policies: policies, random: Self.bytes)
            } catch {
                throw CommandFailure(.usage, "\(error)")
            }
            let store = try place.store()
            try store.change { (file) throws(CommandFailure) in file.keys.append(key) }
            show(key, store)
        }

        private static func bytes(_ count: Int) -> [UInt8] {
            var random = SystemRandomNumberGenerator()
            return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        }

        private func show(_ key: AccessKey, _ store: CredentialStore) {
            switch output {
            case .json:
                let value: JSONValue = [
                    "UserName": .string(key.user), "AccessKeyId": .string(key.id), "SecretAccessKey": .string(key.secret),
                ]
                print(String(decoding: value.serialized, as: UTF8.self))
            case .env:
                print("export AWS_ACCESS_KEY_ID=\(key.id)\nexport AWS_SECRET_ACCESS_KEY=\(key.secret)")
            case .text:
                print("Access key: \(key.id)\nSecret:     \(key.secret)")
                StandardError.print("Kept in \(store.path). The secret is not shown again.")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the keys, without their secrets.")
        @OptionGroup var place: Place
        @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table

        struct Row: Listable {
            var accessKeyID: String
            var user: String
            var created: String
            var statements: Int
            static let columns = ["ACCESS KEY", "USER", "CREATED", "STATEMENTS"]
            var cells: [String] { [accessKeyID, user, created, "\(statements)"] }
        }

        func run() async throws {
            let store = try place.store()
            let keys = store.exists ? try store.load().keys : []
            let rows = keys.map { key in
                Row(
                    accessKeyID: key.id, user: key.user, created: SignatureTime.text(key.created),
                    statements: key.policies.reduce(0) { $0 + $1.document.statements.count })
            }
            try ListPrinter.print(rows, as: output)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a key away, with all sessions that were made of it.")
        @Argument(help: "The access key's id.") var accessKeyID: String
        @OptionGroup var place: Place

        func run() async throws {
            let store = try place.store()
            guard store.exists else { throw CommandFailure(.notFound, "\(store.path): there is no such file") }
            try store.change { (file) throws(CommandFailure) in
                guard file.keys.contains(where: { $0.id == accessKeyID }) else {
                    throw CommandFailure(.notFound, "\(store.path) has no key \(accessKeyID)")
                }
                file.keys.removeAll { $0.id == accessKeyID }
            }
            StandardError.print("Key \(accessKeyID) revoked.")
        }
    }
}

/// Policies as files.
enum PolicyFile {
    static func text(_ path: String) throws(CommandFailure) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.failed, "\(path): cannot be read")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Checked.
    static func document(_ path: String, _ kind: PolicyDocument.Kind) throws(CommandFailure) -> PolicyDocument {
        let text = try text(path)
        do throws(MalformedPolicy) {
            return try PolicyDocument(text, kind)
        } catch {
            throw CommandFailure(.usage, "\(path): \(error)")
        }
    }

    static func json(_ path: String) throws(CommandFailure) -> JSONValue { try document(path, .identity).source }
}
