/// The keys with which the verbs sign, where a user has some: as every AWS tool finds them.

import AWSWire
import Foundation

enum ClientCredentials {
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, else those of the profile (`AWS_PROFILE`, else `default`) in the file
    /// `~/.aws/credentials`; nil where there are none.
    static func find(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> SigningCredentials? {
        if let id = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"], !id.isEmpty,
            !secret.isEmpty
        {
            return SigningCredentials(accessKeyID: id, secret: secret, sessionToken: environment["AWS_SESSION_TOKEN"])
        }
        let path =
            environment["AWS_SHARED_CREDENTIALS_FILE"] ?? (environment["HOME"] ?? "").appending("/.aws/credentials")
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let values = section(environment["AWS_PROFILE"] ?? "default", of: String(decoding: data, as: UTF8.self))
        guard let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else { return nil }
        return SigningCredentials(accessKeyID: id, secret: secret, sessionToken: values["aws_session_token"])
    }

    /// The region that calls are signed for.
    static func region(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1"
    }

    /// The `name = value` lines below `[section]`.
    private static func section(_ section: String, of text: String) -> [String: String] {
        var values: [String: String] = [:]
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("["), line.hasSuffix("]") {
                isInside = line.dropFirst().dropLast().trimmingCharacters(in: .whitespaces) == section
            } else if isInside, !line.hasPrefix("#"), let mark = line.firstIndex(of: "=") {
                let name = line[..<mark].trimmingCharacters(in: .whitespaces).lowercased()
                values[name] = line[line.index(after: mark)...].trimmingCharacters(in: .whitespaces)
            }
        }
        return values
    }
}

extension HTTPRequest {
    /// Adds a signature where there are keys to sign with.
    func signed(for service: String, with credentials: SigningCredentials?) -> HTTPRequest {
        guard let credentials, let parts = URLComponents(string: url), let name = parts.host else { return self }
        // The client sends the port unless it is the scheme's own.
        let standardPort = parts.scheme == "https" ? 443 : 80
        let host = parts.port.map { $0 == standardPort ? name : "\(name):\($0)" } ?? name
        let own = headers.compactMap { header -> (name: String, value: String)? in
            guard let mark = header.firstIndex(of: ":") else { return nil }
            return (header[..<mark].lowercased(), header[header.index(after: mark)...].trimmingCharacters(in: .whitespaces))
        }
        let request = UnsignedRequest(
            method: body == nil ? "GET" : "POST", host: host,
            path: parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath,
            query: parts.percentEncodedQuery, headers: own)
        let added = (body ?? []).withUnsafeBytes {
            request.signature(
                $0, credentials, region: ClientCredentials.region(), service: service, at: Int64(Date().timeIntervalSince1970))
        }
        var signed = self
        signed.headers += added.map { "\($0.name): \($0.value)" }
        return signed
    }
}
