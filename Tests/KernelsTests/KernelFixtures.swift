import Device
import Foundation
import ModelGraph
import Tensors
import Testing

/// One op with its operands and what was computed for it outside of this project
/// (`scripts/make-kernel-fixtures.py`, with onnxruntime).
struct KernelFixture: Sendable, CustomTestStringConvertible {
  let name: String
  let op: Op
  let postOps: [PostOpRequest]
  let operands: [Tensor?]
  let expected: [Tensor?]
  /// Operands that a plan may know ahead.
  let parameters: Set<Int>
  /// The kernel must throw when it runs.
  let isRefused: Bool

  var testDescription: String { name }

  /// The operands before those of the post-ops, of which each has one of its own.
  var ownOperandCount: Int { operands.count - postOps.count { $0.operand != nil } }

  /// The request for this case.
  /// - Parameter immediate: whether the plan knows the parameters ahead.
  func request(immediate: Bool) -> KernelRequest {
    KernelRequest(
      model: "fixture", node: name, op: op, postOps: postOps,
      operands: operands.enumerated().map { index, tensor in
        tensor.map { tensor in
          immediate && parameters.contains(index)
            ? Operand(immediate: tensor)
            : Operand(elementType: tensor.elementType, shape: tensor.shape, source: .activation)
        }
      }, ownOperandCount: ownOperandCount,
      results: expected.map { tensor in
        tensor.map { KernelRequest.ResultType($0.elementType, $0.shape) }
      })
  }

  /// The request with every operand of the op but the first one as a weight, packed as the device likes it.
  func packedRequest(on device: any Device) throws -> KernelRequest {
    var request = request(immediate: false)
    for index in request.operands.indices.prefix(ownOperandCount).dropFirst() {
      request.operands[index]?.source = .weight
    }
    for (index, layout) in try device.packing(for: request).enumerated() {
      if let layout { request.operands[index]?.layout = layout }
    }
    return request
  }

  /// All cases of `Fixtures/kernel-cases.bin`: the length of a JSON header, the header, the elements.
  static let all: [KernelFixture] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/kernel-cases.bin")
    do {
      let data = try Data(contentsOf: path)
      let length = Int(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      let cases = try decoder.decode([Entry].self, from: data[8..<8 + length])
      let elements = data[(8 + length)...]
      return try cases.map { try $0.fixture(elements) }
    } catch {
      preconditionFailure("the fixtures cannot be read: \(error)")
    }
  }()

  private struct Entry: Decodable {
    var name: String
    var op: Op
    var postOps: [Tail]
    var operands: [Place?]
    var results: [Place?]
    var parameters: [Int]
    var refused: Bool?

    func fixture(_ elements: Data) throws -> KernelFixture {
      KernelFixture(
        name: name, op: op, postOps: postOps.map(\.request),
        operands: try operands.map { try $0?.tensor(elements) },
        expected: try results.map { try $0?.tensor(elements) }, parameters: Set(parameters),
        isRefused: refused ?? false)
    }
  }

  /// A post-op as a case spells it.
  private enum Tail: Decodable {
    case unary(UnaryFunction)
    case binary(BinaryFunction, operand: Int)

    var request: PostOpRequest {
      switch self {
      case .unary(let function): .unary(function)
      case .binary(let function, let operand): .binary(function, operand: operand)
      }
    }
  }

  private struct Place: Decodable {
    var type: ElementType
    var shape: Shape
    var offset: Int

    func tensor(_ elements: Data) throws -> Tensor {
      try Tensor(elementType: type, shape: shape) { memory in
        let start = elements.startIndex + offset
        elements.copyBytes(to: memory, from: start..<start + memory.count)
      }
    }
  }
}
