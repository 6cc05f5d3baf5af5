/// GetCallerIdentity of STS, which tools ask before anything else.

extension QueryService {
    /// AWS Security Token Service, as far as it tells who a caller is: as long as signatures are not checked, the account itself
    /// (STS API, GetCallerIdentity).
    /// - Parameter accountID: twelve digits.
    public static func tokenService(accountID: String) -> QueryService {
        let account = XMLText.escaped(accountID)
        return QueryService(
            version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
            actions: [
                "GetCallerIdentity": { _ in
                    "<Arn>arn:aws:iam::\(account):root</Arn><UserId>\(account)</UserId><Account>\(account)</Account>"
                }
            ])
    }
}
