/// Who makes a call, as policies and audit trails name him.

package struct Caller: Sendable, Hashable {
    /// Twelve digits.
    package var account: String
    /// The name of a user; nil for the account itself.
    package var user: String?
    package var accessKeyID: String?

    package init(account: String, user: String?, accessKeyID: String?) {
        self.account = account
        self.user = user
        self.accessKeyID = accessKeyID
    }

    package var arn: String { user.map { "arn:aws:iam::\(account):user/\($0)" } ?? accountARN }
    package var accountARN: String { "arn:aws:iam::\(account):root" }
    /// As GetCallerIdentity tells it.
    package var userID: String { user.map { "AIDA\($0.uppercased())" } ?? account }
}
