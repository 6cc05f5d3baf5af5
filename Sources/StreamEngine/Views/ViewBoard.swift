/// The materialized views of a running application, and whether they may be read.

package import StreamSQL
import Synchronization

/// Shared by a run, which shows rows, and those who read.
///
/// What a reader sees is the input up to a settled time, whole pieces of it, and it never goes back: records are in the log before they are computed, a restart
/// computes the same, and a view of a run that begins is not read before everything is in it that was settled when it began.
package final class ViewBoard: Sendable {
    package let views: [PublishedView]
    private let isReadable = Mutex(false)

    package init(_ views: [MaterializedView]) { self.views = views.map { PublishedView($0) } }

    /// Whether everything is in the views that was settled when the run began.
    package var isCaughtUp: Bool { isReadable.withLock { $0 } }

    /// Shows what has changed.
    func show(_ dataflow: inout Dataflow, all: Bool = false) {
        for index in views.indices { views[index].show(dataflow.takeChanges(of: index, all: all)) }
    }

    func catchUp() { isReadable.withLock { $0 = true } }
}
