/// Lets a simulator stand between the changes of the catalog.

/// What a change of the catalog is about, for a simulator.
package enum CatalogChange: Sendable {
    case fence, tags, streamRemoval
    case other
}

/// Is asked before each change of an open catalog and told after it; what it throws, the change's caller gets.
package struct CatalogProbe: Sendable {
    /// When it throws, the change is not made.
    package var beforeChange: @Sendable (CatalogChange) async throws(CatalogError) -> Void
    /// When it throws, the change was made and its caller does not hear of it.
    package var afterChange: @Sendable (CatalogChange) async throws(CatalogError) -> Void
    /// A disk that lies: the change is answered as made, and is not.
    package var forgets: @Sendable (CatalogChange) -> Bool

    package init(
        beforeChange: @escaping @Sendable (CatalogChange) async throws(CatalogError) -> Void,
        afterChange: @escaping @Sendable (CatalogChange) async throws(CatalogError) -> Void,
        forgets: @escaping @Sendable (CatalogChange) -> Bool = { _ in false }
    ) {
        self.beforeChange = beforeChange
        self.afterChange = afterChange
        self.forgets = forgets
    }
}
