import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import ModelGraph
import Tensors
import Testing

/// Small files whose tensors are larger than any memory (`scripts/make-extreme-shape-fixtures.py`).
@Suite("Shapes that no memory holds", .timeLimit(.minutes(5)))
struct ExtremeShapeTests {
  static let models = DataShapeCase.folder.deletingLastPathComponent().appending(path: "extreme-shapes")
  static let budget = 64 << 20
  let folder = TemporaryFolder()
  let engine: Engine

  init() throws { engine = try Engine(store: folder.path, budget: Self.budget) }

  private func add(_ name: String) throws -> AddedModel {
    try engine.add(
      Self.models.appending(path: "\(name).onnx").path, name: name, options: CompilationOptions())
  }

  private func member(_ name: String, _ inputs: [Tensor]) throws -> TestMember {
    _ = try add(name)
    return try engine.member(try engine.models.open(name), inputs: inputs)
  }

  private func ones(_ shape: Shape) throws -> Tensor {
    try Tensor([Float](repeating: 1, count: shape.elementCount), shape: shape)
  }

  @Test(
    "sizes that the file states are refused when the model is added, from shapes alone, with both sizes",
    arguments: ["static-product", "static-convolution"])
  func refusedWhenAdded(name: String) throws {
    let error = try #require(throws: LinkError.self) { try add(name) }
    #expect(error.isTooLarge)
    #expect(error.description.contains("'\(name)'") && error.description.contains("64MiB"), "\(error)")
    // Known before any kernel was asked for.
    #expect(error.description.contains("at least"), "\(error)")
  }

  @Test("kernels that a request makes as wide as 2³¹ are refused before the kernel library sees them")
  func wideKernels() throws {
    let error = try #require(throws: LinkError.self) { try member("wide-kernels", [try ones([1, 1, 3])]) }
    #expect(error.isTooLarge)
  }

  @Test("a deconvolution with strides of thousands is planned, and answers")
  func wideStrides() async throws {
    let wide = try member("wide-strides", [try ones([1, 8, 2])])
    // The library searches its blocks for every place of the result and every step of the stride.
    #expect(wide.plan.steps.map(\.kernel.implementation) == ["swift:deconvolution"])
    let result = try #require(try await engine.run([wide])[0].get()[0].floats)
    // The first element is cut off by the padding; the second lands at the end of each channel, a sum over eight.
    #expect(result.count == 64 * 65_536)
    #expect(result.indices.filter { result[$0] != 0 } == (0..<64).map { ($0 + 1) * 65_536 - 1 })
    #expect(result.allSatisfy { $0 == 0 || $0 == 8 })
  }

  @Test(
    "scales that come with the request and lead beyond the budget are refused, and the next request is not")
  func scales() async throws {
    let x = try ones([1, 1, 4, 4])
    let scales = { (scale: Float) in try Tensor([1, 1, scale, scale], shape: [4]) }
    let plain = try member("scales", [x, try scales(2)])
    #expect(try await engine.run([plain])[0].get()[0].shape == [1, 1, 8, 8])
    let huge = try engine.member(plain.plan.model, inputs: [x, try scales(1e5)])
    let answer = try await engine.run([huge])[0]
    let error = try #require(throws: LinkError.self) { try answer.get() }
    #expect(error.isTooLarge)
    #expect(try await engine.run([plain])[0].get()[0].shape == [1, 1, 8, 8])
  }

  @Test("more elements than can be addressed are refused where shapes are inferred")
  func beyondAddresses() async throws {
    let size = try Tensor([Int64](repeating: 1 << 31, count: 3), shape: [3])
    let member = try member("beyond-addresses", [try ones([1]), size])
    let answer = try await engine.run([member])[0]
    let error = try #require(throws: GraphError.self) { try answer.get() }
    #expect(error.description.contains("larger than this machine can address"))
  }

  @Test("a linear enlargement keeps no table of the image: the plan is small, and so is the process")
  func enlarged() async throws {
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      let engine = try Engine(store: folder.path, budget: 256 << 20)
      _ = try engine.add(
        ExtremeShapeTests.models.appending(path: "enlarged.onnx").path, name: "enlarged",
        options: CompilationOptions())
      let model = try engine.models.open("enlarged")
      let before = try peakBytes()
      let x = try Tensor([Float](repeating: 2, count: 900 * 900), shape: [1, 1, 900, 900])
      let member = try engine.member(model, inputs: [x])
      #expect(try await engine.run([member])[0].get()[0].floats == [2])
      #expect(member.plan.footprint < 1 << 20)
      #expect(try peakBytes() - before < member.neededBytes + (64 << 20))
    }
  }
}

/// The most memory that this process ever had present.
private func peakBytes() throws -> Int {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
  return try #require(
    Int(line.split(separator: " ", omittingEmptySubsequences: true)[1].trimmingCharacters(in: .whitespaces)))
    * 1024
}
