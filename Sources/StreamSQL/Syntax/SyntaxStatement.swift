/// Statements as written: what stands between two semicolons.

extension Syntax {
    package struct Statement: Sendable {
        package var kind: StatementKind
        package var position: SourcePosition
    }

    package enum ObjectKind: String, Sendable, Hashable {
        case stream = "STREAM"
        case pump = "PUMP"
        case view = "VIEW"
        case function = "FUNCTION"
    }

    package enum StatementKind: Sendable {
        case createStream(CreateStream)
        case createPump(CreatePump)
        case createView(CreateView)
        case createFunction(CreateFunction)
        case drop(ObjectKind, QualifiedName, ifExists: Bool)
        case alterPump(QualifiedName, start: Bool)
        case insert(Insert)
        case query(Query)
    }

    package struct ColumnDeclaration: Sendable {
        package var name: Name
        package var type: SQLType
        package var notNull: Bool
    }

    package struct CreateStream: Sendable {
        package var name: QualifiedName
        package var orReplace: Bool
        package var columns: [ColumnDeclaration]
    }

    package struct CreatePump: Sendable {
        package var name: QualifiedName
        package var orReplace: Bool
        package var isStopped: Bool
        package var insert: Insert
    }

    package struct CreateView: Sendable {
        package var name: QualifiedName
        package var orReplace: Bool
        package var columnNames: [Name]
        package var query: Query
        /// Whether its rows are kept as they change.
        package var isMaterialized = false
    }

    /// A function whose body is one expression over its parameters.
    package struct CreateFunction: Sendable {
        package var name: QualifiedName
        package var orReplace: Bool
        package var parameters: [ColumnDeclaration]
        package var result: SQLType
        package var returnsNullOnNull: Bool
        package var body: Expression
    }

    package struct Insert: Sendable {
        package var target: QualifiedName
        package var columnNames: [Name]
        package var query: Query
        package var position: SourcePosition
    }
}
