/// Requests that name an application, and those that also say which version of it they know.

import AWSWire

/// A request about one application.
protocol NamesApplication: WireReadable {
    var applicationName: String? { get }
    /// The streams that the application will read or write by what the request says: whoever asks must be allowed to do so himself.
    var touched: [ResourceName] { get }
}

extension NamesApplication {
    /// The name; the rules have seen to it that there is one.
    var name: String { applicationName ?? "" }
    var touched: [ResourceName] { [] }
}

extension AWSOperation where Request: NamesApplication {
    static func resources(_ request: Request, _ service: Service) -> [ResourceName] {
        [ResourceName(service: "kinesisanalytics", resource: "application/\(request.name)")] + request.touched
    }
}

extension Rule where Request: NamesApplication {
    static var applicationName: Rule {
        Rule { request, violations in
            violations.check(
                "applicationName", request.applicationName, [.notNull, .pattern(.name), .minLength(1), .maxLength(128)])
        }
    }
}

/// A request that changes the configuration of one application.
protocol KnowsVersion: NamesApplication {
    /// CurrentApplicationVersionId.
    var currentVersion: Int? { get }
}

extension KnowsVersion {
    /// The version; the rules have seen to it that there is one.
    var version: Int64 { Int64(currentVersion ?? 0) }
}

extension Rule where Request: KnowsVersion {
    static var currentVersion: Rule { .currentVersion(isRequired: true) }

    static func currentVersion(isRequired: Bool) -> Rule {
        Rule { request, violations in
            violations.check(
                "currentApplicationVersionId", request.currentVersion,
                (isRequired ? [.notNull] : []) + [.atLeast(1), .atMost(999_999_999)])
        }
    }
}

extension WireFields {
    func applicationName() throws(AWSError) -> String? { try string("ApplicationName") }

    func currentVersion() throws(AWSError) -> Int? {
        guard let version = try long("CurrentApplicationVersionId") else { return nil }
        return Int(clamping: version)
    }
}

/// ApplicationName and nothing else.
struct NamedRequest: NamesApplication {
    var applicationName: String?
    init(_ fields: WireFields) throws(AWSError) { applicationName = try fields.applicationName() }
}
