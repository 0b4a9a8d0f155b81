import GRPCFrontend
import GRPCMessages
import InferenceProtocol
import Serving
import Tensors
import Testing

@Suite("Requests from their messages", .timeLimit(.minutes(5)))
struct InferRequestTests {
  private func request(
    _ raw: [[UInt8]] = [], _ body: (inout Inference_ModelInferRequest) -> Void
  ) throws -> InferRequest {
    try InferRequest(
      InferCall(
        message: .with {
          $0.modelName = "model"
          body(&$0)
        },
        raw: try raw.map { bytes in try TensorBuffer(byteCount: bytes.count) { $0.copyBytes(from: bytes) } }),
      tenant: "tenant")
  }

  private func input(
    _ datatype: String, _ shape: [Int64], _ contents: (inout Inference_InferTensorContents) -> Void = { _ in }
  ) -> Inference_ModelInferRequest.InferInputTensor {
    .with {
      $0.name = "x"
      $0.datatype = datatype
      $0.shape = shape
      contents(&$0.contents)
    }
  }

  private func tensor(_ request: InferRequest) throws -> Tensor {
    let input = try #require(request.inputs.first)
    guard case .tensor(let tensor) = input.contents else {
      throw ServiceError(.failed, "the input is no tensor")
    }
    return tensor
  }

  @Test("Typed contents narrow to their datatype")
  func typed() throws {
    let small = try request { $0.inputs = [input("INT8", [3]) { $0.intContents = [-128, 0, 127] }] }
    #expect(try tensor(small) == Tensor([-128, 0, 127] as [Int8], shape: [3]))
    let unsigned = try request { $0.inputs = [input("UINT16", [1, 2]) { $0.uintContents = [0, 65535] }] }
    #expect(try tensor(unsigned) == Tensor([0, 65535] as [UInt16], shape: [1, 2]))
    let flags = try request { $0.inputs = [input("BOOL", [2]) { $0.boolContents = [true, false] }] }
    #expect(try tensor(flags) == Tensor([true, false], shape: [2]))
  }

  @Test("A value that its datatype does not have is refused, not wrapped")
  func outOfRange() {
    #expect(throws: ServiceError.self) {
      try request { $0.inputs = [input("INT8", [1]) { $0.intContents = [128] }] }
    }
    #expect(throws: ServiceError.self) {
      try request { $0.inputs = [input("UINT8", [1]) { $0.uintContents = [256] }] }
    }
  }

  @Test("Inputs in shared memory take no place in the raw contents")
  func rawBesideShared() throws {
    var shared = Inference_ModelInferRequest.InferInputTensor.with {
      $0.name = "shared"
      $0.datatype = "FP32"
      $0.shape = [1]
      $0.parameters["shared_memory_region"] = .with { $0.stringParam = "region" }
      $0.parameters["shared_memory_byte_size"] = .with { $0.int64Param = 4 }
    }
    let raw = Inference_ModelInferRequest.InferInputTensor.with {
      $0.name = "raw"
      $0.datatype = "UINT8"
      $0.shape = [2]
    }
    let both = try request([[5, 6]]) { $0.inputs = [shared, raw] }
    guard case .shared(let range) = both.inputs[0].contents else {
      Issue.record("the first input is not in shared memory")
      return
    }
    #expect(range == SharedMemoryRange(region: "region", offset: 0, byteCount: 4))
    guard case .tensor(let second) = both.inputs[1].contents else {
      Issue.record("the second input is no tensor")
      return
    }
    #expect(try second.elements(as: UInt8.self) == [5, 6])
    shared.parameters["shared_memory_byte_size"] = .with { $0.int64Param = -4 }
    #expect(throws: ProtocolError.self) { try request([[5, 6]]) { $0.inputs = [shared, raw] } }
  }

  @Test("A parameter larger than any whole number of Swift is the largest")
  func hugeParameter() throws {
    let request = try request { $0.parameters["timeout"] = .with { $0.uint64Param = .max } }
    #expect(request.parameters["timeout"] == .int(.max))
  }

  @Test("Versions are numbers from 1", arguments: ["0", "-1", "newest", "1.0", "99999999999999999999"])
  func noVersion(text: String) {
    #expect(throws: ServiceError.self) { try request { $0.modelVersion = text } }
  }

  @Test("No version is the newest")
  func newest() throws { #expect(try request { _ in }.version == nil) }

  @Test("The number of classes is a number", arguments: [-1, 1.5, "3"] as [any Sendable])
  func classes(value: any Sendable) {
    let parameter = Inference_InferParameter.with {
      switch value {
      case let value as Int: $0.int64Param = Int64(value)
      case let value as Double: $0.doubleParam = value
      default: $0.stringParam = "\(value)"
      }
    }
    #expect(throws: ServiceError.self) {
      try request { $0.outputs = [.with { $0.parameters["classification"] = parameter }] }
    }
  }
}
