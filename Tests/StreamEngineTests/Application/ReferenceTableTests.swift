/// Reference tables of applications: read, read again, and the same after a restart.

import Foundation
import Host
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

/// One object in memory.
private final class OneObject: ReferenceFiles {
    private let content = Mutex<(text: String, version: Int)?>(nil)

    private let count = Mutex(0)

    func set(_ text: String?) {
        let version = count.withLock { count in
            count += 1
            return count
        }
        content.withLock { content in content = text.map { ($0, version) } }
    }

    func version(of object: ReferenceObject) async throws(ReferenceFailure) -> String {
        guard let found = content.withLock({ $0 }) else { throw ReferenceFailure("\(object.key) is not there") }
        return "\(found.version)"
    }

    func contents(of object: ReferenceObject) async throws(ReferenceFailure) -> (bytes: [UInt8], version: String) {
        guard let found = content.withLock({ $0 }) else { throw ReferenceFailure("\(object.key) is not there") }
        return (Array(found.text.utf8), "\(found.version)")
    }
}

@Suite("Reference tables of applications")
struct ReferenceTableTests {
    private static let code = """
        CREATE OR REPLACE STREAM "OUT" ("name" VARCHAR(8), "n" BIGINT);
        CREATE OR REPLACE PUMP P AS INSERT INTO "OUT" SELECT STREAM r."name", COUNT(*) FROM "SOURCE_SQL_STREAM_001" AS s
        JOIN "names" AS r ON s."k" = r."k" GROUP BY r."name", STEP(s.ROWTIME BY INTERVAL '1' MINUTE);
        """

    private func world() async throws -> ApplicationWorld {
        var world = try await ApplicationWorld(code: Self.code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        world.definition.references = [
            ApplicationReference(
                id: "3.1", tableName: "names", bucketARN: "arn:aws:s3:::b", fileKey: "names.csv", roleARN: nil,
                schema: InputSchema(
                    recordFormat: .init(
                        recordFormatType: "CSV",
                        mappingParameters: .init(csv: .init(recordRowDelimiter: "\n", recordColumnDelimiter: ","))),
                    recordColumns: [.init(name: "k", sqlType: "VARCHAR(8)"), .init(name: "name", sqlType: "VARCHAR(8)")]))
        ]
        return world
    }

    private func put(_ world: ApplicationWorld, _ count: Int) async throws {
        try await world.put((0..<count).map { _ in #"{"k":"a","v":1}"# }, shard: 0)
        world.store.advance(milliseconds: 50)
    }

    /// Cycles until the table's rows are of a version: they are read beside the run.
    private func settle(_ run: inout ApplicationRun, _ world: ApplicationWorld, version: String) async throws {
        for _ in 0..<10_000 where run.tableVersion("names") != version {
            world.store.advance(milliseconds: 1)
            _ = try await run.cycle()
            await Task.yield()
        }
        #expect(run.tableVersion("names") == version)
    }

    @Test("rows are joined with the version at hand, also when they are computed again", arguments: [false, true])
    func versions(crashes: Bool) async throws {
        let (world, files) = (try await world(), OneObject())
        files.set("a,first\nb,other\n")
        var run = try await world.run(start: .trimHorizon, references: files)
        try await put(world, 3)
        _ = try await run.cycle()
        files.set("a,second\n")
        world.store.advance(milliseconds: 1_000)
        try await settle(&run, world, version: "2")
        try await put(world, 2)
        _ = try await run.cycle()
        if crashes {
            // What was computed since the table changed is computed again, with its rows of then: the file has gone.
            files.set(nil)
            run = try await world.run(start: nil, references: files)
            #expect(run.tableVersion("names") == "2")
        }
        world.store.advance(milliseconds: 60_000)
        while try await run.cycle() {}
        #expect(try world.rows() == [#"{"name":"first","n":3}"#, #"{"name":"second","n":2}"#])
    }

    @Test("a run does not begin before its table is there")
    func missing() async throws {
        let (world, files) = (try await world(), OneObject())
        await #expect(throws: RunFailure.self) { try await world.run(start: .trimHorizon, references: files) }
        files.set("a,here\n")
        let run = try await world.run(start: .trimHorizon, references: files)
        #expect(run.tableVersion("names") == "1")
    }

    @Test("an object that does not fit the schema changes nothing, and is said")
    func misfit() async throws {
        let (world, files) = (try await world(), OneObject())
        files.set("a,first\n")
        var run = try await world.run(start: .trimHorizon, references: files)
        files.set("a,first\nb,\"open\n")
        world.store.advance(milliseconds: 1_000)
        for _ in 0..<10_000 where run.trouble == nil {
            _ = try await run.cycle()
            await Task.yield()
        }
        #expect(run.trouble?.contains("line 2") == true)
        #expect(run.tableVersion("names") == "1")
        files.set("a,third\n")
        world.store.advance(milliseconds: 2_000)
        try await settle(&run, world, version: "3")
        _ = try await run.cycle()
        #expect(run.trouble == nil)
    }

    @Test("files of a folder are objects of buckets; none leads out of it, and a large one is refused")
    func folder() async throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("buckets-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let folder = root.appendingPathComponent("b/x")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("a,b\n".utf8).write(to: folder.appendingPathComponent("t.csv"))
        let threads = IOThreads(name: "test", count: 1)
        let files = DirectoryReferenceFiles(root: root.path, threads: threads)
        let (bytes, version) = try await files.contents(of: ReferenceObject(bucket: "b", key: "x/t.csv"))
        #expect(bytes == Array("a,b\n".utf8))
        #expect(try await files.version(of: ReferenceObject(bucket: "b", key: "x/t.csv")) == version)
        for (bucket, key) in [("b", "../secret"), ("..", "b"), ("b", "x"), ("b", "none"), ("b/x", "t.csv"), ("b", "")] {
            await #expect(throws: ReferenceFailure.self) { try await files.contents(of: ReferenceObject(bucket: bucket, key: key)) }
        }
        let large = folder.appendingPathComponent("large")
        #expect(truncate(FileManager.default.createFile(atPath: large.path, contents: nil) ? large.path : "", 1_000_000_001) == 0)
        await #expect(throws: ReferenceFailure.self) { try await files.contents(of: ReferenceObject(bucket: "b", key: "x/large")) }
    }
}

@Suite("Files of reference tables")
struct ReferenceRowsTests {
    private static let columns: [InputSchema.RecordColumn] = [
        .init(name: "k", mapping: "$.k", sqlType: "VARCHAR(8)"), .init(name: "n", mapping: "$.n", sqlType: "INTEGER"),
    ]
    private static let json = InputSchema(
        recordFormat: .init(recordFormatType: "JSON", mappingParameters: .init(json: .init(recordRowPath: "$"))),
        recordColumns: columns)
    private static let csv = InputSchema(
        recordFormat: .init(
            recordFormatType: "CSV",
            mappingParameters: .init(csv: .init(recordRowDelimiter: "\n", recordColumnDelimiter: ","))),
        recordColumns: columns.map { .init(name: $0.name, sqlType: $0.sqlType) })

    @Test(
        "objects may stand on lines, side by side, or spread over lines",
        arguments: [
            "{\"k\":\"a\",\"n\":1}\n{\"k\":\"b}\\\"{\",\"n\":2}\n", "{\"k\":\"a\",\"n\":1}{\"k\":\"b}\\\"{\",\"n\":2}",
            "\u{FEFF}{\n \"k\": \"a\",\n \"n\": 1\n}\r\n\r\n {\"n\":2, \"k\":\"b}\\\"{\"}",
        ])
    func objects(text: String) throws {
        let rows = try ReferenceRows.decode(Array(text.utf8), schema: Self.json)
        #expect(rows.columns[0].value(at: 0) == .text("a") && rows.columns[0].value(at: 1) == .text("b}\"{"))
        #expect(rows.columns[1].integers == [1, 2])
    }

    @Test("a quoted field may hold line ends")
    func quotedLineEnds() throws {
        let rows = try ReferenceRows.decode(Array("\"a\nb\",1\nc,2".utf8), schema: Self.csv)
        #expect(rows.count == 2 && rows.columns[0].value(at: 0) == .text("a\nb") && rows.columns[1].integers == [1, 2])
    }

    @Test("what does not fit is refused with its line")
    func misfits() throws {
        for (text, schema, line) in [
            ("a,1\nb,x\n", Self.csv, 2), ("{\"k\":\"a\"}\n\n{\"n\":\"x\"}", Self.json, 3), ("{\"k\":\"a\"}\n{\"n\"", Self.json, 2),
        ] {
            let error = #expect(throws: ReferenceRows.Refusal.self) { try ReferenceRows.decode(Array(text.utf8), schema: schema) }
            #expect(error?.message.hasPrefix("line \(line): ") == true, "\(error?.message ?? "")")
        }
    }
}
