/// Keeps an application that brings the process down from doing so at each start.

import Logging
import StreamStore

/// What is known of an application's last starts by the node: how many of them ended with the process.
struct StartGuard: Codable, Sendable {
    /// After so many crashes within its start an application is not started any more without being asked to.
    static let mostCrashes = 3

    /// Crashes of the process while the application was starting, one after the other.
    var crashes = 0
    /// Whether a start is under way: set before it, taken away when what waited for the application was computed.
    var isStarting = false

    private static let mark = "/starts"
    private static let format = 3

    init() {}

    static func key(_ application: String) -> DefinitionKey { DefinitionKey(.application, application + mark) }
    static func isOne(_ name: String) -> Bool { name.hasSuffix(mark) }
    static func application(of name: String) -> String { String(name.dropLast(mark.count)) }

    func stored() -> [UInt8] { StoredDefinition.encode(self, format: Self.format) }

    init(stored bytes: [UInt8]) throws(StoredDefinition.Failure) {
        self = try StoredDefinition.decode(Self.self, from: bytes, knownFormat: Self.format)
    }

    /// Takes note of how the process before this one ended.
    mutating func noteEnd(byCrash: Bool) {
        if isStarting, byCrash { crashes += 1 }
        isStarting = false
    }
}

extension ApplicationManager {
    /// Decides which applications start, and notes that they do. Those that were starting when the process crashed are started after the others and one by
    /// one, so that only the one that did it is found starting the next time.
    func guarded(
        _ names: [String], afterCrash: Bool
    ) async throws(ApplicationError) -> (atOnce: [String], oneByOne: [String]) {
        var (atOnce, oneByOne) = ([String](), [String]())
        for name in names.sorted() {
            var known = guards[name] ?? StartGuard()
            known.noteEnd(byCrash: afterCrash)
            guards[name] = known
            if known.crashes >= StartGuard.mostCrashes {
                try await suspend(name, crashes: known.crashes)
            } else if known.crashes > 0 {
                oneByOne.append(name)
            } else {
                atOnce.append(name)
            }
        }
        for name in atOnce { guards[name]?.isStarting = true }
        try await saveGuards(atOnce + oneByOne)
        return (atOnce, oneByOne.sorted { (guards[$0]?.crashes ?? 0, $0) < (guards[$1]?.crashes ?? 0, $1) })
    }

    /// Starts applications one after the other, each when the one before has computed what waited for it.
    func launchInTurn(_ names: [String]) async {
        for name in names {
            if isClosing { return }
            // It may have been stopped, started or deleted meanwhile.
            guard let definition = definitions[name], definition.isStarted, runs[name] == nil, transitions[name] == nil else {
                continue
            }
            guards[name]?.isStarting = true
            do throws(ApplicationError) { try await saveGuards([name]) } catch {
                logger.warning(
                    "that an application starts is not kept", metadata: ["application": "\(name)", "reason": "\(error)"])
            }
            logger.warning(
                "starting an application that was starting when the process crashed, alone",
                metadata: ["application": "\(name)", "crashes": "\(guards[name]?.crashes ?? 0)"])
            let run = launch(definition, start: nil)
            await run?.settled()
            // One that waits for something computes nothing: what comes next is not its doing.
            if run?.trouble != nil, guards[name] != nil {
                guards[name]?.isStarting = false
                try? await saveGuards([name])
            }
        }
    }

    /// A run is through with what waited for it.
    func settled(_ name: String) async {
        guard guards[name] != nil else { return }
        guards[name] = nil
        do throws(StoreError) { try await store.setDefinitions([(StartGuard.key(name), nil)]) } catch {
            logger.warning(
                "that an application has started is not kept", metadata: ["application": "\(name)", "reason": "\(error)"])
        }
    }

    /// The node is stopped in good order: starts that were under way are none that the process crashed with.
    func closeGuards() async {
        let starting = guards.filter(\.value.isStarting).map(\.key)
        for name in starting { guards[name]?.isStarting = false }
        do throws(ApplicationError) { try await saveGuards(starting) } catch {
            logger.warning("that starts were ended in good order is not kept", metadata: ["reason": "\(error)"])
        }
    }

    private func suspend(_ name: String, crashes: Int) async throws(ApplicationError) {
        guard var definition = definitions[name] else { return }
        let reason =
            "the process crashed \(crashes) times while it was starting; it is not started again by itself. Look into the log, change its code "
            + "or start it from another position"
        logger.critical("application is not started", metadata: ["application": "\(name)", "reason": "\(reason)"])
        definition.isStarted = false
        definition.stopReason = reason
        try await save(definition)
        definitions[name] = definition
        guards[name] = nil
        do throws(StoreError) { try await store.setDefinitions([(StartGuard.key(name), nil)]) } catch { throw .store(error) }
    }

    private func saveGuards(_ names: [String]) async throws(ApplicationError) {
        let changes: [(key: DefinitionKey, value: [UInt8]?)] = names.map { name in
            (StartGuard.key(name), guards[name]?.stored())
        }
        if changes.isEmpty { return }
        do throws(StoreError) { try await store.setDefinitions(changes) } catch { throw .store(error) }
    }
}
