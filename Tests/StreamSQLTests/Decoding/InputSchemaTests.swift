/// Input schemas: the API's JSON and their checks.

import Foundation
import StreamSQL
import Testing

@Suite("InputSchema") struct InputSchemaTests {
    @Test("a schema survives the API's JSON in both directions")
    func codable() throws {
        let json = #"""
            {"RecordFormat":{"RecordFormatType":"CSV","MappingParameters":{"CSVMappingParameters":{"RecordRowDelimiter":"\n",
            "RecordColumnDelimiter":"|"}}},"RecordEncoding":"UTF-8","RecordColumns":[{"Name":"a","SqlType":"VARCHAR(4)"},
            {"Name":"b","SqlType":"INT","Mapping":"$.b"}]}
            """#
        let schema = try JSONDecoder().decode(InputSchema.self, from: Data(json.utf8))
        #expect(schema.recordFormat.mappingParameters?.csv?.recordColumnDelimiter == "|")
        #expect(schema.recordColumns[1].mapping == "$.b")
        let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary
        #expect(try JSONSerialization.jsonObject(with: JSONEncoder().encode(schema)) as? NSDictionary == object)
        #expect(try JSONDecoder().decode(InputSchema.self, from: JSONEncoder().encode(schema)) == schema)
        #expect(try schema.columns() == [ColumnDefinition("a", .varchar(4)), ColumnDefinition("b", .integer)])
    }

    @Test("the first wrong field is named")
    func validation() {
        func field(_ schema: InputSchema) -> String? {
            do {
                try schema.validate()
                return nil
            } catch {
                return error.field
            }
        }
        #expect(field(jsonSchema([("A", "INT", "$.a")])) == nil)
        #expect(field(jsonSchema([("A", "INT", "$.a"), ("B", "NOPE", "$.b")])) == "RecordColumns[1].SqlType")
        #expect(field(jsonSchema([("A", "INT", "$.a"), ("A", "INT", "$.b")])) == "RecordColumns[1].Name")
        #expect(field(jsonSchema([("", "INT", "$.a")])) == "RecordColumns[0].Name")
        #expect(field(jsonSchema([("ROWTIME", "TIMESTAMP", "$.a")])) == "RecordColumns[0].Name")
        for path in ["", "a", "$a", "$.", "$.a[", "$.a[x]", "$.a[-1]", "$.a[0:].b[0:]"] {
            #expect(field(jsonSchema([("A", "INT", path)])) == "RecordColumns[0].Mapping", "\(path)")
        }
        #expect(field(jsonSchema([("A", "INT", "$.a[0:].x"), ("B", "INT", "$.b[0:].x")])) == "RecordColumns[1].Mapping")
        #expect(
            field(jsonSchema([("A", "INT", "$.a")], rowPath: "x"))
                == "RecordFormat.MappingParameters.JSONMappingParameters.RecordRowPath")
        #expect(field(jsonSchema([])) == "RecordColumns")
        #expect(field(csvSchema([("A", "INT")])) == nil)
        #expect(
            field(csvSchema([("A", "INT")], column: ""))
                == "RecordFormat.MappingParameters.CSVMappingParameters.RecordColumnDelimiter")
        #expect(
            field(csvSchema([("A", "INT")], row: ",")) == "RecordFormat.MappingParameters.CSVMappingParameters.RecordRowDelimiter")
        var schema = jsonSchema([("A", "INT", "$.a")])
        schema.recordColumns[0].mapping = nil
        #expect(field(schema) == "RecordColumns[0].Mapping")
        schema = jsonSchema([("A", "INT", "$.a")])
        schema.recordEncoding = "UTF-16"
        #expect(field(schema) == "RecordEncoding")
        schema.recordEncoding = nil
        schema.recordFormat.recordFormatType = "XML"
        #expect(field(schema) == "RecordFormat.RecordFormatType")
        schema.recordFormat.recordFormatType = "CSV"
        #expect(field(schema) == "RecordFormat.MappingParameters.JSONMappingParameters")
    }
}
