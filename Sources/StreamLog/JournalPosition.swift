/// How far the journal has come, stage by stage: positions are types, so that one cannot stand in for another.

/// A count of journal frames, by the stage they have reached.
package struct JournalPosition<Stage>: Hashable, Comparable, Sendable {
    /// The sequence number of the last frame that has reached the stage; 0 before the first.
    package var sequence: UInt64

    package init(_ sequence: UInt64) { self.sequence = sequence }

    package static func < (left: Self, right: Self) -> Bool { left.sequence < right.sequence }
}

/// Frames that were formed.
package enum AppendedStage {}
/// Frames that were handed to the file.
package enum WrittenStage {}
/// Frames that are durable.
package enum SyncedStage {}

package typealias Appended = JournalPosition<AppendedStage>
package typealias Written = JournalPosition<WrittenStage>
package typealias Synced = JournalPosition<SyncedStage>
