import Foundation
import GraphPasses
import ModelGraph
import ONNXFormat
import Tensors
import Testing

/// A fixture that `scripts/make-folding-fixtures.py` read off onnxruntime's answers of an unfolded model.
struct FoldingFixture: Decodable, Sendable, CustomTestStringConvertible {
  var name: String
  var shape: [Int]
  var weights: [Double]
  var bias: [Double]

  var testDescription: String { name }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/folding")

  static func all() throws -> [FoldingFixture] {
    try JSONDecoder().decode(
      [FoldingFixture].self, from: Data(contentsOf: folder.appending(path: "expected.json")))
  }

  /// The model before any pass.
  func model() throws -> Graph { try ONNXModel.read(Self.folder.appending(path: "\(name).onnx").path).graph }
}

/// Weights and bias after folding are those that the unfolded model acts by. (An identity normalisation would pass with
/// any wrong fold: all parameters are random.)
struct FoldingFixtureTests {
  @Test(arguments: try FoldingFixture.all())
  func foldedConstantsActLikeTheUnfoldedModel(_ fixture: FoldingFixture) throws {
    var graph = try fixture.model()
    let report = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    let linear = try #require(graph.nodes.first)
    #expect(["conv", "deconv", "matmul"].contains(linear.op.name))
    // All is folded but a pad behind the convolution.
    #expect(graph.ops.dropFirst() == (fixture.name == "conv-pad-bn" ? ["pad"] : []))
    #expect(linear.postOps.isEmpty)
    #expect(report.folded > 0)

    let weights = try #require(graph.tensor(linear.inputs[1]))
    #expect(weights.shape.dims == fixture.shape)
    expect(try #require(weights.floats), near: fixture.weights)
    let bias = try #require(graph.tensor(linear.inputs[2]))
    #expect(bias.shape.dims == [fixture.bias.count])
    expect(try #require(bias.floats), near: fixture.bias)
  }

  /// The references are differences of single-precision answers: good to about 1e-6 of the largest.
  private func expect(_ found: [Float], near reference: [Double]) {
    #expect(found.count == reference.count)
    let tolerance = 4e-6 * max(reference.map(abs).max() ?? 0, 1)
    for (index, (a, b)) in zip(found, reference).enumerated() where abs(Double(a) - b) > tolerance {
      Issue.record("element \(index) is \(a), not \(b)")
      return
    }
  }
}
