/// Publishes to a NATS JetStream stream on loopback as fast as it acknowledges, over plain sockets: a load for comparisons.
///
///     nats-load PORT CONNECTIONS IN-FLIGHT SECONDS [BYTES]
///
/// makes a stream with file storage, keeps so many messages in flight on each connection, and prints
/// `messages-per-second median-us p99-us`. A latency runs from a message's publication to its acknowledgement.
/// The protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol

import Glibc

func give(up reason: String) -> Never {
    let text = Array("nats-load: \(reason)\n".utf8)
    _ = write(2, text, text.count)
    exit(1)
}

let arguments = CommandLine.arguments.dropFirst().map { Double($0) ?? 0 }
guard arguments.count >= 4, arguments.allSatisfy({ $0 > 0 }) else { give(up: "PORT CONNECTIONS IN-FLIGHT SECONDS [BYTES]") }
let payload = [UInt8](repeating: UInt8(ascii: "x"), count: arguments.count > 4 ? Int(arguments[4]) : 150)

let creator = Connection(port: UInt16(arguments[0]), number: 0)
creator.createStream()
let connections = (1...Int(arguments[1])).map { Connection(port: UInt16(arguments[0]), number: $0) }
let load = Load(connections: connections, inFlight: Int(arguments[2]), seconds: arguments[3], payload: payload)
let result = load.run()
print(Int(result.perSecond), Int(result.median), Int(result.p99))
