/// A client of TLS without a socket: what the tests of secured connections speak with.

import CTLS
import Foundation
import HTTPDoor
import Testing

/// Certificates of the tests, made once.
enum TestCertificates {
    static let now = Int64(Date().timeIntervalSince1970)
    static let authority = TLSAuthority.make(name: "Test CA", now: now, days: 2) ?? TLSPair(certificate: [], key: [])
    static let leaf = issue(["DNS:localhost", "IP:127.0.0.1"])

    static func issue(_ names: [String], by authority: TLSPair = authority) -> TLSPair {
        TLSAuthority.issue(authority, names: names, now: now, days: 2) ?? TLSPair(certificate: [], key: [])
    }

    static func identity() throws -> TLSIdentity { try TLSIdentity(certificate: leaf.certificate, key: leaf.key) }
}

/// One side of one connection. Bytes go in and out by hand.
final class TLSPeer {
    private let context: OpaquePointer
    private let session: OpaquePointer
    /// What must be sent to the server.
    private(set) var outgoing: [UInt8] = []
    /// What the server said.
    var said: [UInt8] = []
    private(set) var hasEnded = false
    private(set) var failure: String?

    /// - Parameters:
    ///   - authority: whom it trusts; nil for everybody.
    ///   - protocols: what it offers by ALPN.
    init(authority: [UInt8]? = TestCertificates.authority.certificate, host: String? = "localhost", protocols: [String] = []) throws
    {
        let made =
            authority.map { authority in authority.withUnsafeBytes { CTLS_client($0.baseAddress, $0.count) } }
            ?? CTLS_client(nil, 0)
        let context = try #require(made)
        let wire = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        guard let session = CTLS_connect(context, host, wire, UInt32(wire.count)) else {
            CTLS_context_destroy(context)
            throw RawClient.Failure(call: "CTLS_connect")
        }
        self.context = context
        self.session = session
        take([])
    }

    deinit {
        CTLS_session_destroy(session)
        CTLS_context_destroy(context)
    }

    var isEstablished: Bool { CTLS_is_established(session) == 1 }
    var version: String { String(cString: CTLS_version(session)) }
    var chosenProtocol: String {
        var name: UnsafePointer<CChar>?
        let count = Int(CTLS_protocol(session, &name))
        return String(decoding: UnsafeRawBufferPointer(start: name, count: count), as: UTF8.self)
    }

    /// Takes bytes of the server.
    func take(_ bytes: [UInt8]) {
        var used = 0
        var state = CTLS_wants_output
        bytes.withUnsafeBufferPointer { bytes in
            while state == CTLS_wants_output {
                var (opened, sealed) = ([UInt8](repeating: 0, count: 64 << 10), [UInt8](repeating: 0, count: 64 << 10))
                opened.withUnsafeMutableBufferPointer { openedRoom in
                    sealed.withUnsafeMutableBufferPointer { sealedRoom in
                        var step = CTLS_step()
                        step.input = bytes.baseAddress.map { $0 + used }
                        step.input_count = bytes.count - used
                        (step.opened, step.opened_room) = (openedRoom.baseAddress, openedRoom.count)
                        (step.sealed, step.sealed_room) = (sealedRoom.baseAddress, sealedRoom.count)
                        state = CTLS_open(session, &step)
                        used += step.input_used
                        said += openedRoom[..<step.opened_count]
                        outgoing += sealedRoom[..<step.sealed_count]
                    }
                }
            }
        }
        if state == CTLS_ended { hasEnded = true }
        if state == CTLS_failed {
            var reason = [CChar](repeating: 0, count: Int(CTLS_reason_bytes))
            CTLS_reason(session, &reason)
            failure = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Seals what is to be said.
    func say(_ text: String) { say(Array(text.utf8)) }

    func say(_ bytes: [UInt8]) {
        var sealed = [UInt8](repeating: 0, count: CTLS_room_to_seal(bytes.count))
        let count = sealed.withUnsafeMutableBufferPointer { room in
            var step = CTLS_step()
            (step.sealed, step.sealed_room) = (room.baseAddress, room.count)
            #expect(CTLS_seal(session, bytes, bytes.count, &step) == bytes.count)
            return step.sealed_count
        }
        outgoing += sealed[..<count]
    }

    /// Says that nothing more will be said.
    func end() {
        var sealed = [UInt8](repeating: 0, count: CTLS_room_to_seal(0))
        let count = sealed.withUnsafeMutableBufferPointer { room in
            var step = CTLS_step()
            (step.sealed, step.sealed_room) = (room.baseAddress, room.count)
            CTLS_end(session, &step)
            return step.sealed_count
        }
        outgoing += sealed[..<count]
    }

    /// What must be sent now.
    func next() -> [UInt8] {
        defer { outgoing = [] }
        return outgoing
    }
}
