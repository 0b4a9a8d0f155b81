import GRPCMessages
import InferenceProtocol

extension Inference_ModelConfig {
  init(_ config: ModelConfigMessage) {
    self = .with {
      $0.name = config.name
      $0.platform = config.platform
      $0.backend = config.backend
      if let latest = config.versionPolicy.latest {
        $0.versionPolicy.latest.numVersions = UInt32(clamping: latest.numVersions)
      } else if let specific = config.versionPolicy.specific {
        $0.versionPolicy.specific.versions = specific.versions.map { Int64($0) }
      } else {
        $0.versionPolicy.all = .init()
      }
      if config.dynamicBatching != nil { $0.dynamicBatching = .init() }
      $0.maxBatchSize = Int32(clamping: config.maxBatchSize)
      $0.input = config.input.map { input in
        .with {
          $0.name = input.name
          $0.dataType = Inference_DataType(name: input.dataType)
          $0.dims = input.dims.map { Int64($0) }
        }
      }
      $0.output = config.output.map { output in
        .with {
          $0.name = output.name
          $0.dataType = Inference_DataType(name: output.dataType)
          $0.dims = output.dims.map { Int64($0) }
        }
      }
      $0.instanceGroup = config.instanceGroup.map { group in
        .with {
          $0.name = group.name
          $0.kind = .cpu
          $0.count = Int32(clamping: group.count)
        }
      }
      $0.defaultModelFilename = config.defaultModelFilename
      $0.parameters = config.parameters.mapValues { value in .with { $0.stringValue = value.stringValue } }
    }
  }
}

extension Inference_DataType {
  /// - Parameter name: as the message has it, `TYPE_FP32`.
  fileprivate init(name: String) {
    self =
      switch name {
      case "TYPE_BOOL": .typeBool
      case "TYPE_UINT8": .typeUint8
      case "TYPE_UINT16": .typeUint16
      case "TYPE_UINT32": .typeUint32
      case "TYPE_UINT64": .typeUint64
      case "TYPE_INT8": .typeInt8
      case "TYPE_INT16": .typeInt16
      case "TYPE_INT32": .typeInt32
      case "TYPE_INT64": .typeInt64
      case "TYPE_FP16": .typeFp16
      case "TYPE_FP32": .typeFp32
      case "TYPE_FP64": .typeFp64
      case "TYPE_STRING": .typeString
      case "TYPE_BF16": .typeBf16
      default: .typeInvalid
      }
  }
}
