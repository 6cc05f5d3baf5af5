/// The settings of the account: a commitment to pay for a throughput, which here is only kept and told.

import AWSWire
import StreamStore

/// Kinesis API, MinimumThroughputBillingCommitment. It is kept as one small state.
struct AccountSettings: Codable, Hashable, Sendable {
    /// The version of the layout that is written; see `StoredDefinition`.
    static let format = 1
    /// How long a commitment lasts at least, in milliseconds.
    static let leastCommitment: Int64 = 24 * 3_600_000
    private static let key = StateKey("kinesis.account", "settings")

    /// Milliseconds since 1970-01-01 UTC, like the others; nil: there was no commitment.
    var startedAt: Int64?
    /// From when on there is none; nil while that is not said.
    var endedAt: Int64?

    var earliestEnd: Int64? { startedAt.map { $0 + Self.leastCommitment } }

    /// - Parameter now: milliseconds since 1970-01-01 UTC.
    func status(_ now: Int64) -> String {
        guard startedAt != nil else { return "DISABLED" }
        guard let endedAt else { return "ENABLED" }
        return now < endedAt ? "ENABLED_UNTIL_EARLIEST_ALLOWED_END" : "DISABLED"
    }

    mutating func enable(_ now: Int64) {
        switch status(now) {
        case "DISABLED": self = AccountSettings(startedAt: now)
        default: endedAt = nil
        }
    }

    /// What was promised is kept: it ends when it may.
    mutating func disable(_ now: Int64) {
        guard status(now) == "ENABLED", let earliestEnd else { return }
        endedAt = max(now, earliestEnd)
    }

    // MARK: In the store

    static func read(_ store: any SmallStates) async throws(StoreError) -> AccountSettings { try await readState(store).settings }

    /// Changes the settings, durably; `change` may be called again where another change came before.
    static func change(
        _ store: any SmallStates, _ change: (inout AccountSettings) -> Void
    ) async throws(StoreError) -> AccountSettings {
        while true {
            let (version, before) = try await readState(store)
            var settings = before
            change(&settings)
            if settings == before { return settings }
            do throws(StoreError) {
                let value = StoredDefinition.encode(settings, format: format)
                try await store.changeStates([StateChange(key, expected: version, value: value)])
                return settings
            } catch .conditionFailed(.version) {
                continue
            }
        }
    }

    private static func readState(_ store: any SmallStates) async throws(StoreError) -> (version: UInt64, settings: AccountSettings)
    {
        guard let state = try await store.state(key) else { return (0, AccountSettings()) }
        do throws(StoredDefinition.Failure) {
            return (state.version, try StoredDefinition.decode(AccountSettings.self, from: state.value, knownFormat: format))
        } catch {
            throw .failed("The account's settings cannot be read: \(error)")
        }
    }
}

/// The answer of both operations on the settings.
struct AccountSettingsResponse: AWSResponse {
    var settings: AccountSettings
    /// Milliseconds since 1970-01-01 UTC.
    var now: Int64

    func write(to writer: inout WireWriter) {
        writer.object { writer in
            writer.object("MinimumThroughputBillingCommitment") { writer in
                let status = settings.status(now)
                writer.field("Status", status)
                writer.field("StartedAt", milliseconds: settings.startedAt)
                writer.field("EndedAt", milliseconds: settings.endedAt)
                if status != "DISABLED" { writer.field("EarliestAllowedEndAt", milliseconds: settings.earliestEnd) }
            }
        }
    }
}
