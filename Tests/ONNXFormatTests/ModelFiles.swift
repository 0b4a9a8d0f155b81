import Foundation
import ModelGraph
import ONNXFormat
import Tensors
import Testing

/// The models that scripts/make-onnx-fixtures.py makes with the onnx package.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

func fixtureFiles(_ folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: fixtures + "/" + folder).sorted()
}

/// A folder of its own that is gone with this object.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  func write(_ model: ONNXModelProto, to name: String = "model.onnx") throws -> String {
    try write(model.serializedBytes(), to: name)
  }
}

/// Reads the model that these bytes are; the tensors keep the mapping alive when the file is gone.
func read(_ model: ONNXModelProto) throws -> ImportedModel {
  let folder = try TemporaryFolder()
  return try ONNXModel.read(folder.write(model))
}

/// Returns the fault of the model; fails an expectation if there is none.
func fault(of model: ONNXModelProto, sourceLocation: SourceLocation = #_sourceLocation) -> String {
  let error = #expect(throws: ONNXError.self, sourceLocation: sourceLocation) { try read(model) }
  return error.map { "\($0)" } ?? ""
}

// MARK: Models, written down

extension ONNXModelProto {
  static func of(
    opset: Int64 = 17, inputs: [ONNXValueInfoProto] = [.of("x")], outputs: [String] = ["y"],
    constants: [ONNXTensorProto] = [], _ nodes: [ONNXNodeProto]
  ) -> ONNXModelProto {
    with {
      $0.irVersion = 8
      $0.opsetImport = [.with { $0.version = opset }]
      $0.graph = .of(inputs: inputs, outputs: outputs, constants: constants, nodes)
    }
  }
}

extension ONNXGraphProto {
  static func of(
    inputs: [ONNXValueInfoProto] = [], outputs: [String], constants: [ONNXTensorProto] = [],
    _ nodes: [ONNXNodeProto]
  ) -> ONNXGraphProto {
    with {
      $0.name = "g"
      $0.input = inputs
      $0.output = outputs.map { name in .with { $0.name = name } }
      $0.initializer = constants
      $0.node = nodes
    }
  }
}

extension ONNXValueInfoProto {
  static func of(_ name: String, type: Int32 = 1, _ dims: [Int64] = [2, 3]) -> ONNXValueInfoProto {
    with {
      $0.name = name
      $0.type.tensorType.elemType = type
      $0.type.tensorType.shape.dim = dims.map { size in .with { $0.dimValue = size } }
    }
  }
}

extension ONNXTensorProto {
  static func floats(_ name: String, _ elements: [Float], dims: [Int64]? = nil) -> ONNXTensorProto {
    with {
      $0.name = name
      $0.dataType = 1
      $0.dims = dims ?? [Int64(elements.count)]
      $0.floatData = elements
    }
  }

  static func integers(_ name: String, _ elements: [Int64], dims: [Int64]? = nil) -> ONNXTensorProto {
    with {
      $0.name = name
      $0.dataType = 7
      $0.dims = dims ?? [Int64(elements.count)]
      $0.int64Data = elements
    }
  }
}

extension ONNXNodeProto {
  static func of(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    _ attributes: [ONNXAttributeProto] = []
  ) -> ONNXNodeProto {
    with {
      $0.opType = op
      $0.input = inputs
      $0.output = outputs
      $0.name = name
      $0.domain = domain
      $0.attribute = attributes
    }
  }
}

extension ONNXAttributeProto {
  static func of(_ name: String, _ type: AttributeType, _ set: (inout ONNXAttributeProto) -> Void)
    -> ONNXAttributeProto
  {
    with {
      $0.name = name
      $0.type = type
      set(&$0)
    }
  }
  static func int(_ name: String, _ value: Int64) -> ONNXAttributeProto { of(name, .int) { $0.i = value } }
  static func float(_ name: String, _ value: Float) -> ONNXAttributeProto {
    of(name, .float) { $0.f = value }
  }
  static func ints(_ name: String, _ values: [Int64]) -> ONNXAttributeProto {
    of(name, .ints) { $0.ints = values }
  }
  static func text(_ name: String, _ value: String) -> ONNXAttributeProto {
    of(name, .string) { $0.s = Data(value.utf8) }
  }
  static func texts(_ name: String, _ values: [String]) -> ONNXAttributeProto {
    of(name, .strings) { $0.strings = values.map { Data($0.utf8) } }
  }
  static func graph(_ name: String, _ value: ONNXGraphProto) -> ONNXAttributeProto {
    of(name, .graph) { $0.g = value }
  }
}
