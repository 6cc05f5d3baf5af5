/// What recovery does with what it finds: a table of verdicts, complete and free of I/O.

/// Decides, for a place where the next frame is expected, what becomes of what stands there.
///
/// "Later" is the next frame header, further on in the journal, whose own checksum is right. A frame is begun only after the one before was synced,
/// so a later frame proves that everything before it counted, with one exception: if it continues the last kept frame directly (next
/// sequence number, right chain), then what lies between is the rest of a frame that was refused or cut, and never counted.
package enum Recovery {
    /// What stands where the next frame is expected.
    package enum Finding: CaseIterable, Sendable {
        /// A whole frame with all checksums right.
        case valid
        /// The header is right; directory or batches are damaged or missing.
        case damagedBody
        /// Bytes that are no header.
        case damagedHeader
        /// The end of the file.
        case nothing
    }

    /// What the next header tells.
    package enum Later: CaseIterable, Sendable {
        case none
        /// It continues the last kept frame directly.
        case replaces
        /// It follows a frame that is not here.
        case proves
    }

    package enum Verdict: Equatable, Sendable {
        /// Replay the frame.
        case keep
        /// The journal ends here; nothing is lost.
        case end
        /// A torn tail, never acknowledged: the journal ends before it.
        case cut
        /// The rest of a frame that never counted: go on with the later one.
        case pass
        /// Acknowledged records are damaged: keep what can be proven right, report the rest, keep the file in quarantine.
        case salvage
    }

    package static let table: [(finding: Finding, later: Later, verdict: Verdict)] = [
        (.valid, .none, .keep),
        (.valid, .replaces, .keep),
        (.valid, .proves, .keep),
        (.damagedBody, .none, .cut),
        (.damagedBody, .replaces, .pass),
        (.damagedBody, .proves, .salvage),
        (.damagedHeader, .none, .cut),
        (.damagedHeader, .replaces, .pass),
        (.damagedHeader, .proves, .salvage),
        (.nothing, .none, .end),
        (.nothing, .replaces, .pass),
        (.nothing, .proves, .salvage),
    ]

    package static func verdict(_ finding: Finding, _ later: Later) -> Verdict {
        guard let row = table.first(where: { $0.finding == finding && $0.later == later }) else {
            preconditionFailure("the table has no row for \(finding), \(later)")
        }
        return row.verdict
    }
}
