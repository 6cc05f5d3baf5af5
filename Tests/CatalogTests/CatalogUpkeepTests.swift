/// Copies for backups, and inspections that change nothing.

import Catalog
import Foundation
import GRDB
import StreamStore
import Synchronization
import Testing

@Suite struct CatalogUpkeepTests {
    private func add(_ number: Int, to catalog: Catalog) async throws {
        _ = try await catalog.addStream(
            StreamDefinition(key: StreamKey("stream-\(number)"), shardCount: 3), status: .active, atMilliseconds: 1_000)
    }

    @Test("a copy opens as a catalog with the same content, and nothing that came later")
    func copy() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            for number in 0..<20 { try await add(number, to: catalog) }
            _ = try await catalog.raiseFence(owner: "x")
            let (bytes, word) = try await catalog.copy { "now" }
            #expect(word == "now")
            try await add(20, to: catalog)
            await catalog.close()

            let other = path + ".copy"
            try Data(bytes).write(to: URL(fileURLWithPath: other))
            let copy = try await Catalog.open(path: other)
            #expect(!copy.isNew)
            let contents = try await copy.load()
            #expect(contents.streams.map(\.description.key.name) == (0..<20).map { "stream-\($0)" })
            #expect(contents.fences == ["x": 1])
            await copy.close()
        }
    }

    @Test("what was committed before the moment is in the copy, and nothing else, while others write")
    func moment() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            let committed = Mutex(0)
            async let writing: Void = {
                for number in 1...100 {
                    try await add(number, to: catalog)
                    committed.withLock { $0 = number }
                }
            }()
            for _ in 0..<10 {
                let (bytes, count) = try await catalog.copy { committed.withLock { $0 } }
                let other = path + "-\(UUID().uuidString)"
                try Data(bytes).write(to: URL(fileURLWithPath: other))
                let inspection = await CatalogInspection.inspect(path: other)
                // The writer may not have noted yet the one that was committed last.
                let found = try #require(inspection.contents?.streams.count)
                #expect((count...count + 1).contains(found))
            }
            try await writing
            await catalog.close()
        }
    }

    @Test("an inspection finds every damaged page, and an undamaged catalog gives its content")
    func inspection() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            for number in 0..<50 { try await add(number, to: catalog) }
            await catalog.close()
            // What stands in a page that holds nothing is nobody's loss.
            let queue = try DatabaseQueue(path: path)
            try await queue.vacuum()
            try queue.close()
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            let inspection = await CatalogInspection.inspect(path: path)
            #expect(inspection.problem == nil && inspection.contents?.streams.count == 50)
            for page in 0..<whole.count / 4_096 {
                var damaged = whole
                damaged.replaceSubrange(page * 4_096..<page * 4_096 + 120, with: repeatElement(0xAB, count: 120))
                try damaged.write(to: URL(fileURLWithPath: path))
                #expect(await CatalogInspection.inspect(path: path).problem != nil, "page \(page)")
                #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == damaged)
            }
        }
    }

    @Test("a catalog that another connection writes to can be inspected, and so can one whose last change was cut short")
    func interrupted() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            for number in 0..<10 { try await add(number, to: catalog) }
            #expect(await CatalogInspection.inspect(path: path).contents?.streams.count == 10)
            await catalog.close()
            // A copy of both files in the middle of a transaction is what a killed process leaves.
            let queue = try DatabaseQueue(path: path)
            let other = path + ".cut"
            try await queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE")
                try db.execute(sql: "UPDATE stream SET tags = '\"' || hex(zeroblob(20000)) || '\"'")
                for suffix in ["", "-journal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: other + suffix) }
                try db.execute(sql: "ROLLBACK")
            }
            try queue.close()
            let before = try [
                Data(contentsOf: URL(fileURLWithPath: other)), Data(contentsOf: URL(fileURLWithPath: other + "-journal")),
            ]
            let inspection = await CatalogInspection.inspect(path: other)
            #expect(inspection.problem == nil, "\(String(describing: inspection.problem))")
            #expect(inspection.contents?.streams.count == 10)
            let after = try [
                Data(contentsOf: URL(fileURLWithPath: other)), Data(contentsOf: URL(fileURLWithPath: other + "-journal")),
            ]
            #expect(before == after)
        }
    }

    @Test("a catalog of another program, of a newer version, or none at all is named as such")
    func foreign() async throws {
        try await withCatalogFile { path in
            let queue = try DatabaseQueue(path: path)
            try await queue.write { try $0.execute(sql: "CREATE TABLE t (a)") }
            try queue.close()
            #expect(await CatalogInspection.inspect(path: path).problem == .foreign(path: path))
            guard case .failed = await CatalogInspection.inspect(path: path + ".absent").problem else {
                Issue.record("an absent file was inspected")
                return
            }
            #expect(!FileManager.default.fileExists(atPath: path + ".absent"))
        }
    }
}
