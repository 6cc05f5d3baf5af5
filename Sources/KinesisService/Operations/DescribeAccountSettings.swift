/// DescribeAccountSettings: whether the account pays for a throughput at least (Kinesis API, DescribeAccountSettings).

import AWSWire
import StreamStore

enum DescribeAccountSettings: AWSOperation {
    typealias Request = NoParameters
    static let rules: [Rule<Request>] = []
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] { [.all(of: "kinesis")] }
    static let errors: [AWSError.Name] = [.limitExceeded]
    static let memoryBound = 64 << 10

    static func run(
        _ request: Request, _ kinesis: Kinesis, _ call: AWSCall
    ) async throws(AWSError) -> AccountSettingsResponse {
        do throws(StoreError) {
            return AccountSettingsResponse(settings: try await AccountSettings.read(kinesis.store), now: kinesis.now)
        } catch {
            throw kinesis.awsError(error)
        }
    }
}
