/// InputProcessingConfiguration and its update: the function that an input's records go through.

import AWSWire
import StreamEngine

/// InputProcessingConfiguration.
struct ProcessingRequest: WireReadable {
    var processor: ResourceRequest?
    init(_ fields: WireFields) throws(AWSError) { processor = try fields.structure("InputLambdaProcessor") }

    static func rules(_ version: APIVersion) -> [Rule<ProcessingRequest>] {
        [
            .present("inputLambdaProcessor", \.processor),
            .structure("inputLambdaProcessor", \.processor, ResourceRequest.rules(version)),
        ]
    }

    /// The rules have seen to it that there is an ARN.
    var processing: InputProcessing {
        InputProcessing(functionARN: processor?.resourceARN ?? "", roleARN: processor?.roleARN)
    }
}

/// InputProcessingConfigurationUpdate.
struct ProcessingUpdate: WireReadable {
    var processor: ResourceUpdate?
    init(_ fields: WireFields) throws(AWSError) { processor = try fields.structure("InputLambdaProcessorUpdate") }

    static func rules(_ version: APIVersion) -> [Rule<ProcessingUpdate>] {
        [
            .present("inputLambdaProcessorUpdate", \.processor),
            .structure("inputLambdaProcessorUpdate", \.processor, ResourceUpdate.rules(version)),
        ]
    }

    /// - Parameter field: where the update stands in the request.
    func apply(to processing: inout InputProcessing?, at field: String) throws(InvalidArgument) {
        guard var changed = processing else {
            throw InvalidArgument("\(field): the input has no InputProcessingConfiguration; add one first.")
        }
        if let arn = processor?.resourceARN { changed.functionARN = arn }
        if let role = processor?.roleARN { changed.roleARN = role }
        processing = changed
    }
}
