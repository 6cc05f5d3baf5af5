/// The patterns of the Kinesis Analytics models, and rules that several operations share.

import AWSWire

extension Pattern {
    /// Any ARN.
    static let anyARN = Pattern("arn:.*") { text in text.hasPrefix("arn:") && !text.contains(where: \.isNewline) }

    /// Roles of version 1.
    static let roleARN = Pattern(#"arn:aws:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"#) { text in
        let prefix = "arn:aws:iam::"
        guard text.hasPrefix(prefix) else { return false }
        let rest = text.utf8.dropFirst(prefix.utf8.count)
        guard rest.prefix(12).count == 12, rest.prefix(12).allSatisfy({ $0 &- UInt8(ascii: "0") <= 9 }) else { return false }
        let path = rest.dropFirst(12)
        let role = Array(":role".utf8)
        guard path.starts(with: role), path.count > role.count else { return false }
        return path.dropFirst(role.count).allSatisfy { byte in
            (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") <= 9 || "_+=,.@-/".utf8.contains(byte)
        }
    }

    /// In-application names of version 2.
    static let inApplicationName = Pattern(#"[^-\s<>&]*"#) { text in
        text.allSatisfy { !$0.isWhitespace && !"-<>&".contains($0) }
    }

    /// Row paths of version 2.
    static let rowPath = Pattern(#"^(?=^\$)(?=^\S+$).*$"#) { text in text.hasPrefix("$") && !text.contains(where: \.isWhitespace) }

    /// Encodings.
    static let utf8 = Pattern("UTF-8") { $0 == "UTF-8" }

    /// Conditional tokens of version 2.
    static let token = Pattern("[a-zA-Z0-9-_+/=]+") { text in
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") <= 9 || "-_+/=".utf8.contains(byte)
            }
    }
}

extension Rule {
    static func resourceARN(_ name: String, _ value: any KeyPath<Request, String?> & Sendable, isRequired: Bool) -> Rule {
        Rule { request, violations in
            violations.check(
                name, request[keyPath: value],
                (isRequired ? [.notNull] : []) + [.pattern(.anyARN), .minLength(1), .maxLength(2_048)])
        }
    }

    /// A role. Version 2 takes any ARN.
    static func roleARN(
        _ name: String, _ value: any KeyPath<Request, String?> & Sendable, _ version: APIVersion, isRequired: Bool
    ) -> Rule {
        Rule { request, violations in
            violations.check(
                name, request[keyPath: value],
                (isRequired ? [.notNull] : [])
                    + [.pattern(version == .v1 ? .roleARN : .anyARN), .minLength(1), .maxLength(2_048)])
        }
    }

    /// The id of an input, output or log option.
    static func itemID(_ name: String, _ value: any KeyPath<Request, String?> & Sendable) -> Rule {
        .member(name, value, .notNull, .pattern(.name), .minLength(1), .maxLength(50))
    }

    /// The name of an in-application stream, or a prefix of such names.
    static func inApplicationName(
        _ name: String, _ value: any KeyPath<Request, String?> & Sendable, _ version: APIVersion, isRequired: Bool
    ) -> Rule {
        Rule { request, violations in
            violations.check(
                name, request[keyPath: value],
                (isRequired ? [.notNull] : []) + (version == .v2 ? [.pattern(.inApplicationName)] : [])
                    + [.minLength(1), .maxLength(32)])
        }
    }

    static func code(_ name: String, _ value: any KeyPath<Request, String?> & Sendable) -> Rule {
        .member(name, value, .maxLength(102_400))
    }
}
