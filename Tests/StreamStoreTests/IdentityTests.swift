/// Shard ids: the form that is told and the forms that are understood.

import StreamStore
import Testing

@Suite struct IdentityTests {
    @Test("a shard id is told with twelve digits")
    func told() {
        #expect(ShardID(0).description == "shardId-000000000000")
        #expect(ShardID(4_294_967_295).description == "shardId-004294967295")
    }

    @Test(
        "Kinesis's lenient forms name the shard",
        arguments: [
            ("shardId-000000000005", 5), ("shardId-0", 0), ("anything-5", 5), ("5", 5), ("-7", 7),
            ("shardId-2147483647", 2_147_483_647),
            ("shardId-00000000000000000000000000000000000000000000000001", 1),
        ] as [(String, UInt32)])
    func understood(text: String, index: UInt32) {
        #expect(ShardID(text)?.index == index)
    }

    @Test(
        "what is no number or too large names no shard",
        arguments: ["", "-", "shardId-", "shardId", "shardId-x", "shardId-2147483648", "99999999999999999999", "5-", "a-5-6"])
    func refused(text: String) {
        #expect(ShardID(text) == nil)
    }
}
