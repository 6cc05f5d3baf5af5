/// DeleteApplication, the same in both versions: removes an application with its state; a running one is stopped.

import AWSWire
import StreamEngine

enum DeleteApplication: AWSOperation {
    struct Request: NamesApplication {
        var applicationName: String?
        /// Milliseconds since 1970-01-01 UTC.
        var created: Int64?

        init(_ fields: WireFields) throws(AWSError) {
            applicationName = try fields.applicationName()
            created = try fields.timestamp("CreateTimestamp")
        }
    }

    static let rules: [Rule<Request>] = [.applicationName, .present("createTimestamp", \.created)]
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .concurrentModification, .serviceUnavailable]
    static let memoryBound = Analytics.smallBound

    static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        if await service.applications.hasRemains(of: request.name) {
            // Nothing tells when it was created.
            do throws(ApplicationError) { try await service.applications.delete(request.name) } catch { throw AWSError(error) }
            return EmptyObject()
        }
        let (definition, _) = try await service.definition(request.name)
        // Some SDKs send whole seconds of the time that they were given.
        guard let created = request.created, seconds(created) == seconds(definition.createdMilliseconds) else {
            throw AWSError(
                .concurrentModification,
                "CreateTimestamp is not that of the application \(request.name), which was created at "
                    + "\(seconds(definition.createdMilliseconds)) (seconds since 1970). Describe the application and try again.")
        }
        do throws(ApplicationError) { try await service.applications.delete(request.name) } catch { throw AWSError(error) }
        return EmptyObject()
    }

    private static func seconds(_ milliseconds: Int64) -> Int64 {
        let (quotient, remainder) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
