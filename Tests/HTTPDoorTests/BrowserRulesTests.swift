/// Host and Origin rules: who is let in, who is not, and what a browser is told.

import AWSWire
import HTTPDoor
import Testing

@Suite struct BrowserRulesTests {
    private let rules = BrowserRules(allowedHosts: ["Millrace.Example"], allowedOrigins: ["https://console.example:8443", "null"])

    private func verdict(method: String = "POST", _ fields: [(name: String, value: String)]) -> BrowserRules.Verdict {
        rules.verdict(RequestHead(method: method, fields))
    }

    private func isRefused(_ verdict: BrowserRules.Verdict, naming setting: String) -> Bool {
        if case .refused(403, let reason) = verdict { reason.contains(setting) } else { false }
    }

    @Test(
        "hosts that nobody can point elsewhere are allowed, and those that are listed",
        arguments: [
            "127.0.0.1", "127.0.0.1:4566", "10.1.2.3:1", "[::1]:4566", "[fe80::1]", "localhost", "LOCALHOST:4566", "localhost.:80",
            "a.b.localhost:4566", "kinesis", "millrace_1:4566", "host.docker.internal:4566", "millrace.example",
            "MILLRACE.example.:80",
        ])
    func allowedHosts(host: String) {
        #expect(verdict([("Host", host)]) == .allowed(origin: nil))
    }

    @Test(
        "other hosts are refused and the setting is named",
        arguments: [
            "evil.example", "evil.example:4566", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3", "1.2.3.4.5",
            "256.1.1.1",
            "notmillrace.example", "evil.millrace.example", "internal.docker.host", "xlocalhost.com", "0x7f.0.0.1",
        ])
    func refusedHosts(host: String) {
        #expect(isRefused(verdict([("Host", host)]), naming: "allowed-hosts"))
        #expect(isRefused(verdict(method: "GET", [("Host", host)]), naming: "allowed-hosts"))
        #expect(isRefused(verdict(method: "GET", [("Host", host), ("Origin", "http://\(host)")]), naming: "allowed-hosts"))
    }

    @Test(
        "malformed hosts are no names",
        arguments: ["", ":80", "a b", "a@b", "[::1", "[]", "[::1]x", "h:port", "a:80:90", "é", "h/", "h:1234567"])
    func malformedHosts(host: String) {
        if case .refused(400, _) = verdict([("Host", host)]) { return }
        Issue.record("\(host) was not refused")
    }

    @Test(
        "a page of the server's own origin or of a listed one is allowed",
        arguments: [
            ("localhost:4566", "http://localhost:4566"), ("LocalHost", "http://localhost"), ("127.0.0.1:80", "http://127.0.0.1"),
            ("h", "http://h:80"), ("h", "https://console.example:8443"), ("h", "null"),
        ])
    func allowedOrigins(host: String, origin: String) {
        #expect(verdict([("Host", host), ("Origin", origin), ("Sec-Fetch-Site", "cross-site")]) == .allowed(origin: origin))
    }

    @Test(
        "a page of another origin is refused and the setting is named",
        arguments: [
            "http://evil.example", "https://localhost:4566", "http://localhost:4567", "http://localhost",
            "http://localhost:4566.evil", "",
        ])
    func refusedOrigins(origin: String) {
        for method in ["POST", "GET", "OPTIONS", "DELETE", "HEAD"] {
            #expect(
                isRefused(verdict(method: method, [("Host", "localhost:4566"), ("Origin", origin)]), naming: "allowed-origins"))
        }
        #expect(isRefused(verdict([("Origin", origin)]), naming: "allowed-origins"))
    }

    @Test("what a browser says comes from another site is refused where it could change something")
    func fetchSite() {
        for site in ["cross-site", "same-site", "Cross-Site"] {
            #expect(isRefused(verdict([("Host", "h"), ("Sec-Fetch-Site", site)]), naming: "allowed-origins"))
            #expect(verdict(method: "GET", [("Host", "h"), ("Sec-Fetch-Site", site)]) == .allowed(origin: nil))
            let head = RequestHead(method: "GET", target: "/backup", [("Host", "h"), ("Sec-Fetch-Site", site)])
            #expect(isRefused(BrowserRules().verdict(head, acts: true), naming: "allowed-origins"))
        }
        for site in ["same-origin", "none"] {
            #expect(verdict([("Host", "h"), ("Sec-Fetch-Site", site)]) == .allowed(origin: nil))
        }
    }
}
