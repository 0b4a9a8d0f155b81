import GRPCMessages
import InferenceProtocol

extension Inference_ServerMetadataResponse {
  init(_ metadata: ServerMetadataMessage) {
    self = .with {
      $0.name = metadata.name
      $0.version = metadata.version
      $0.extensions = metadata.extensions
    }
  }
}

extension Inference_ModelMetadataResponse {
  init(_ metadata: ModelMetadataMessage) {
    self = .with {
      $0.name = metadata.name
      $0.versions = metadata.versions
      $0.platform = metadata.platform
      $0.inputs = metadata.inputs.map(Inference_ModelMetadataResponse.TensorMetadata.init)
      $0.outputs = metadata.outputs.map(Inference_ModelMetadataResponse.TensorMetadata.init)
    }
  }
}

extension Inference_ModelMetadataResponse.TensorMetadata {
  fileprivate init(_ tensor: InferenceProtocol.TensorMetadata) {
    self = .with {
      $0.name = tensor.name
      $0.datatype = tensor.datatype
      $0.shape = tensor.shape.map { Int64($0) }
    }
  }
}
