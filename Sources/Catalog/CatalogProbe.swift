/// Lets a simulator stand between the changes of the catalog.

/// Is asked before each change of an open catalog and told after it; what it throws, the change's caller gets.
package struct CatalogProbe: Sendable {
    /// When it throws, the change is not made.
    package var beforeChange: @Sendable () throws(CatalogError) -> Void
    /// When it throws, the change was made and its caller does not hear of it.
    package var afterChange: @Sendable () throws(CatalogError) -> Void

    package init(
        beforeChange: @escaping @Sendable () throws(CatalogError) -> Void,
        afterChange: @escaping @Sendable () throws(CatalogError) -> Void
    ) {
        self.beforeChange = beforeChange
        self.afterChange = afterChange
    }
}
