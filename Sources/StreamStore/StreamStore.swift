/// The seam between what users speak to and where records live (DESIGN, decision 15).

/// Sharded append-only streams with retention, and what belongs to them: their directory, fences, small states, definitions.
///
/// Implementations: `EmbeddedStore` on this machine; later a Kafka cluster. All calls may be made from any task. A room that needs one job only
/// takes that job's protocol.
public protocol StreamStore: RecordLog, StreamRegistry, Fences, SmallStates, Definitions {}
