import Foundation
import ModelGraph
import ONNXFormat
import Tensors
import Testing

/// onnx's own node tests: each is read, and what it gives has the type that onnx declares for it.
@Test func nodesHaveTheTypesThatONNXDeclares() throws {
  var fullyKnown = 0
  let files = try fixtureFiles("nodes")
  for file in files {
    do { if try check(fixtures + "/nodes/" + file) { fullyKnown += 1 } } catch {
      Issue.record("\(file): \(error)")
    }
  }
  #expect(files.count > 300)
  // The others have sizes that depend on data.
  #expect(fullyKnown > files.count * 2 / 3)
}

/// Compares the types of all outputs; true when all of them are known to the last dimension.
private func check(_ path: String) throws -> Bool {
  let graph = try ONNXModel.read(path).graph
  let declared = try ONNXModelProto(serializedBytes: Data(contentsOf: URL(fileURLWithPath: path))).graph
    .output
  try #require(declared.count == graph.outputs.count)
  let inference = try graph.inferTypes()
  var isKnown = true
  for (output, id) in zip(declared, graph.outputs) {
    let type = try #require(inference[id])
    #expect(type.elementType == elementTypes[output.type.tensorType.elemType], "\(path)")
    let dims = output.type.tensorType.shape.dim.map(\.dimValue)
    if let shape = type.shape {
      #expect(shape.dims.map { Int64($0) } == dims, "\(path)")
    } else {
      #expect(type.rank ?? dims.count == dims.count, "\(path)")
      isKnown = false
    }
  }
  return isKnown
}

/// Numbers of `TensorProto.DataType` (`https://onnx.ai/onnx/repo-docs/IR.html`).
private let elementTypes: [Int32: ElementType] = [
  1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 9: .bool, 10: .float16,
  11: .float64, 12: .uint32, 13: .uint64, 16: .bfloat16, 17: .float8E4M3FN, 18: .float8E4M3FNUZ,
  19: .float8E5M2, 20: .float8E5M2FNUZ, 21: .uint4, 22: .int4, 23: .float4E2M1, 24: .float8E8M0, 25: .uint2,
  26: .int2,
]
