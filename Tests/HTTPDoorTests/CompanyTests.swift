/// When an event loop lends its thread to the one connection that it serves, and how long it stays awake for it.

import AWSWire
import Foundation
import Glibc
import HTTPDoor
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@Suite struct CompanyTests {
    private final class Connection {}
    private final class Count: Sendable { let value = Mutex(0) }

    @Test("a connection is alone when for a while nobody else was served")
    func alone() {
        let (one, other) = (Connection(), Connection())
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        let company = Company(at: now)
        #expect(!company.isOne(at: now + .seconds(1)))
        func serve(_ connection: Connection?, after milliseconds: Int64) {
            now = now + .milliseconds(milliseconds)
            company.serves(connection.map { ObjectIdentifier($0) }, at: now)
        }
        serve(one, after: 1)
        serve(one, after: 30)
        #expect(!company.isOne(at: now))
        serve(one, after: 30)
        #expect(company.isOne(at: now))
        serve(other, after: 30)
        #expect(!company.isOne(at: now))
        // Two that take turns are never alone, however slow they are.
        for _ in 0..<10 {
            serve(one, after: 40)
            #expect(!company.isOne(at: now))
            serve(other, after: 40)
            #expect(!company.isOne(at: now))
        }
        // Nor is one that has several requests under way.
        serve(nil, after: 1)
        serve(nil, after: 1_000)
        #expect(!company.isOne(at: now))
    }

    @Test("who has the loop's thread answers at once, once; everybody else when it is the loop's turn")
    func lending() {
        let loop = EmbeddedEventLoop()
        let company = Company(at: .now() - .seconds(10))
        let answers = company.answers(on: loop)
        let connection = Connection()
        let given = Count()
        func give() -> Int {
            answers.run { given.value.withLock { $0 += 1 } }
            return given.value.withLock { $0 }
        }
        #expect(!answers.mayCommit && give() == 0)
        loop.run()
        company.serves(ObjectIdentifier(connection), at: .now() - .seconds(1))
        #expect(answers.mayCommit && give() == 2)
        #expect(give() == 2)
        loop.run()
        #expect(give() == 3 && answers.mayCommit)
        company.serves(nil)
        #expect(!answers.mayCommit && give() == 3)
        loop.run()
        #expect(given.value.withLock { $0 } == 5)
    }

    @Test("a loop looks for the next request for a moment, and seldom where it does not come")
    func looking() throws {
        var sockets: [CInt] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        defer { for socket in sockets { close(socket) } }
        let loop = EmbeddedEventLoop()
        let lookout = Lookout(loop)
        /// How many of so many looks took as long as they may.
        func vainLooks(_ count: Int) -> Int {
            (0..<count).filter { _ in
                let began = NIODeadline.now()
                lookout.look(at: sockets[0])
                loop.run()
                return NIODeadline.now() - began >= .microseconds(100)
            }.count
        }
        // More would be many that were long held up.
        #expect((1...30).contains(vainLooks(200)))
        #expect(write(sockets[1], "x", 1) == 1)
        let began = NIODeadline.now()
        for _ in 0..<10_000 {
            lookout.look(at: sockets[0])
            loop.run()
        }
        // What is there already is found at once.
        #expect(NIODeadline.now() - began < .microseconds(100 * 10_000))
    }

    @Test("requests that are sent without waiting have their turn a few at a time, so that others come between")
    func turns() throws {
        let door = FuzzedDoor()
        let channel = try door.connect()
        let call = post("x", target: "Test_1.Repeat")
        try channel.writeInbound(ByteBuffer(string: String(repeating: call, count: 20)))
        func answers() throws -> Int {
            var count = 0
            while let answer = try channel.readOutbound(as: ByteBuffer.self) {
                count += String(buffer: answer).components(separatedBy: "HTTP/1.1 200 ").count - 1
            }
            return count
        }
        channel.embeddedEventLoop.run()
        #expect(try answers() == 1)
        channel.embeddedEventLoop.advanceTime(by: .microseconds(250))
        #expect(try answers() == 8)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(10))
        #expect(try answers() == 11)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
