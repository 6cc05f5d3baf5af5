/// Fences and definitions are durable and change together or not at all.

import Catalog
import StreamStore
import Testing

@Suite struct CatalogDefinitionTests {
    @Test("an owner's epoch rises by one with every claim, also across openings")
    func fences() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            #expect(try await catalog.raiseFence(owner: "application/weather") == 1)
            #expect(try await catalog.raiseFence(owner: "application/weather") == 2)
            #expect(try await catalog.raiseFence(owner: "delivery/lake") == 1)
            await catalog.close()
            let again = try await Catalog.open(path: path)
            #expect(try await again.load().fences == ["application/weather": 2, "delivery/lake": 1])
            #expect(try await again.raiseFence(owner: "application/weather") == 3)
            await again.close()
        }
    }

    @Test("definitions are read back byte for byte, empty ones included, by name and by kind")
    func definitions() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            let b = DefinitionKey(.application, "b")
            let a = DefinitionKey(.application, "a")
            let other = DefinitionKey(.deliveryStream, "a")
            try await catalog.setDefinitions([(b, [0, 255, 1]), (a, []), (other, [7])])
            await catalog.close()
            let again = try await Catalog.open(path: path)
            #expect(try await again.definition(b) == [0, 255, 1])
            #expect(try await again.definition(a) == [])
            #expect(try await again.definition(DefinitionKey(.deliveryProgress, "a")) == nil)
            let applications = try await again.definitions(.application)
            #expect(applications.map(\.name) == ["a", "b"])
            #expect(applications.map(\.value) == [[], [0, 255, 1]])
            try await again.setDefinitions([(b, nil), (a, [9]), (DefinitionKey(.application, "none"), nil)])
            #expect(try await again.definitions(.application).map(\.value) == [[9]])
            #expect(try await again.definitions(.deliveryStream).map(\.value) == [[7]])
            await again.close()
        }
    }

    @Test("a transaction that a cancelled task began is carried out")
    func cancellation() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await catalog.raiseFence(owner: "x")
            }
            #expect(try await task.value == 1)
            #expect(try await catalog.load().fences == ["x": 1])
            await catalog.close()
        }
    }

    @Test("a closed catalog fails instead of pretending")
    func closed() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            await catalog.close()
            await #expect(throws: CatalogError.self) { _ = try await catalog.raiseFence(owner: "x") }
            await #expect(throws: CatalogError.self) { _ = try await catalog.load() }
        }
    }
}
