/// AWS Security Token Service: who a caller is, which tools ask before anything else, and keys for a while.

extension QueryService {
    /// GetCallerIdentity and GetSessionToken (STS API).
    /// - Parameters:
    ///   - accountID: twelve digits.
    ///   - newSession: makes a session of a lasting key for so many seconds; nil where signatures are not checked.
    package static func tokenService(
        accountID: String,
        newSession: (@Sendable (_ accessKeyID: String, _ seconds: Int64) throws(AWSError) -> SessionTokens.Session)? = nil
    ) -> QueryService {
        QueryService(
            name: "sts", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
            actions: [
                "GetCallerIdentity": { parameters in
                    let caller = parameters.caller?.caller ?? Caller(account: accountID, user: nil, accessKeyID: nil)
                    return "<Arn>\(XMLText.escaped(caller.arn))</Arn><UserId>\(XMLText.escaped(caller.userID))</UserId>"
                        + "<Account>\(XMLText.escaped(caller.account))</Account>"
                },
                "GetSessionToken": { (parameters) throws(AWSError) in
                    try credentials(parameters, newSession)
                },
            ])
    }

    private static func credentials(
        _ parameters: FormParameters,
        _ newSession: (@Sendable (_ accessKeyID: String, _ seconds: Int64) throws(AWSError) -> SessionTokens.Session)?
    ) throws(AWSError) -> String {
        guard let newSession, let caller = parameters.caller, let accessKeyID = caller.caller.accessKeyID else {
            throw AWSError(.accessDenied, "Signatures are not checked here, so that there are no sessions.")
        }
        guard !caller.isSession else {
            throw AWSError(.accessDenied, "Cannot call GetSessionToken with session credentials")
        }
        let given = parameters["DurationSeconds"] ?? "\(SessionTokens.usualLifetime)"
        guard let seconds = Int64(given), SessionTokens.lifetimes.contains(seconds) else {
            throw AWSError(
                .validation,
                "1 validation error detected: Value '\(given)' at 'durationSeconds' failed to satisfy constraint: Member must have value from \(SessionTokens.lifetimes.lowerBound) to \(SessionTokens.lifetimes.upperBound)"
            )
        }
        let session = try newSession(accessKeyID, seconds)
        return "<Credentials><AccessKeyId>\(session.accessKeyID)</AccessKeyId><SecretAccessKey>\(session.secret)</SecretAccessKey>"
            + "<SessionToken>\(session.token)</SessionToken><Expiration>\(PolicyDate.text(session.expires))</Expiration></Credentials>"
    }
}
