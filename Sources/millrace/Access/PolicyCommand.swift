/// `millrace policy check`: what policies would say to a call, and which statement decides.

import AWSWire
import ArgumentParser
import Foundation

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Try policies.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a call would be allowed, and which statement decides.",
            discussion: """
                The policies are those of --policy, else those of the user in the credentials file. Ends with 0 where the call is \
                allowed, with 6 where it is not.

                millrace policy check --user alice --action kinesis:PutRecord \
                --resource arn:aws:kinesis:us-east-1:000000000000:stream/orders
                """)
        @Option(help: "The user who calls, or an access key's id.") var user: String?
        @Option(help: "A policy of the caller as a JSON file, in place of the user's own; may be given several times.")
        var policy: [String] = []
        @Option(help: "A policy of the resource as a JSON file.") var resourcePolicy: String?
        @Option(help: "Such as kinesis:PutRecord.") var action: String
        @Option(help: "The ARN of what is touched, or *.") var resource = "*"
        @Option(help: "A condition key and its value, such as aws:SourceIp=203.0.113.7; may be given several times.")
        var context: [String] = []
        @Option(help: "The account, 12 digits.") var accountId = "000000000000"
        @OptionGroup var place: CredentialsCommand.Place
        @Option(help: "Text for people or JSON for programs.") var output = DocumentFormat.table

        func validate() throws {
            guard user != nil || !policy.isEmpty else { throw ValidationError("Give --user NAME or --policy FILE.") }
            guard action.contains(":") else { throw ValidationError("--action must be of the form service:Operation.") }
            for pair in context where !pair.contains("=") { throw ValidationError("--context '\(pair)' must be KEY=VALUE.") }
        }

        func run() async throws {
            let (caller, identity) = try policies()
            var values: [String: [String]] = ["aws:PrincipalArn": [caller.arn], "aws:PrincipalAccount": [accountId]]
            if let user = caller.user { values["aws:username"] = [user] }
            for pair in context {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                values[String(parts[0]), default: []].append(String(parts[1]))
            }
            let ofResource = try resourcePolicy.map { path throws(CommandFailure) in
                NamedPolicy(name: path, try PolicyFile.document(path, .resource))
            }
            let decision = PolicyDecision.of(
                PolicyCall(action: action, context: PolicyContext(values)), by: caller, to: resource, identity: identity,
                resourcePolicies: ofResource.map { [$0] } ?? [])
            try tell(decision)
        }

        private func policies() throws(CommandFailure) -> (Caller, [NamedPolicy]) {
            var (name, key): (String?, AccessKey?) = (user, nil)
            if let user, policy.isEmpty || !user.hasPrefix("AKIA") {
                let store = try place.store()
                let keys = store.exists ? try store.load().keys : []
                key = keys.first { $0.id == user || $0.user == user }
                if let key { name = key.user }
                if key == nil, policy.isEmpty { throw CommandFailure(.notFound, "\(store.path) has no user or key \(user)") }
            }
            let caller = Caller(account: accountId, user: name, accessKeyID: key?.id)
            guard !policy.isEmpty else { return (caller, key?.policies ?? []) }
            var named: [NamedPolicy] = []
            for path in policy { named.append(NamedPolicy(name: path, try PolicyFile.document(path, .identity))) }
            return (caller, named)
        }

        private func tell(_ decision: PolicyDecision) throws {
            let (word, reason): (String, String) =
                switch decision {
                case .allowed(let reference): ("allowed", "by \(reference)")
                case .denied(let reference): ("denied", "by \(reference)")
                case .notAllowed: ("denied", "no statement allows it")
                }
            switch output {
            case .json:
                let value: JSONValue = [
                    "action": .string(action), "resource": .string(resource), "decision": .string(word), "reason": .string(reason),
                ]
                print(String(decoding: value.serialized, as: UTF8.self))
            case .table: print("\(action) on \(resource): \(word), \(reason).")
            }
            if !decision.isAllowed { throw ExitCode(ExitStatus.refused.rawValue) }
        }
    }
}
