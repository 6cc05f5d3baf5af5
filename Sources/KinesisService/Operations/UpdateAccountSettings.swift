/// UpdateAccountSettings: begins or ends the account's commitment to a throughput (Kinesis API, UpdateAccountSettings).

import AWSWire
import StreamStore

enum UpdateAccountSettings: AWSOperation {
    struct Commitment: WireReadable {
        var status: String?

        init(_ fields: WireFields) throws(AWSError) { status = try fields.string("Status") }

        static let rules: [Rule<Commitment>] = [.member("status", \.status, .notNull, .oneOf(["ENABLED", "DISABLED"]))]
    }

    struct Request: WireReadable {
        var commitment: Commitment?

        init(_ fields: WireFields) throws(AWSError) {
            commitment = try fields.structure("MinimumThroughputBillingCommitment")
        }
    }

    static let rules: [Rule<Request>] = [
        Rule { request, violations in
            if request.commitment == nil {
                violations.add("minimumThroughputBillingCommitment", "null", "Member must not be null")
            }
        },
        .structure("minimumThroughputBillingCommitment", \.commitment, Commitment.rules),
    ]
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] { [.all(of: "kinesis")] }
    static let errors: [AWSError.Name] = [.invalidArgument, .validation, .limitExceeded]
    static let memoryBound = 64 << 10

    static func run(
        _ request: Request, _ kinesis: Kinesis, _ call: AWSCall
    ) async throws(AWSError) -> AccountSettingsResponse {
        let (now, isEnabled) = (kinesis.now, request.commitment?.status == "ENABLED")
        do throws(StoreError) {
            let settings = try await AccountSettings.change(kinesis.store) { settings in
                if isEnabled { settings.enable(now) } else { settings.disable(now) }
            }
            return AccountSettingsResponse(settings: settings, now: now)
        } catch {
            throw kinesis.awsError(error)
        }
    }
}
