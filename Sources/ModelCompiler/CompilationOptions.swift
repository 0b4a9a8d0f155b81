import ModelGraph
import Tensors

/// Options for compiling a model.
public struct CompilationOptions: Sendable {
  /// The sizes that inputs may have, by input name: one range an axis. They bound the arena, and weights are packed for
  /// the largest.
  public var shapes: [String: [ClosedRange<Int>]]
  /// Runs the verifier after each pass.
  public var verifying: Bool
  /// The form of the large weights of products, convolutions and lookups.
  public var weights: WeightForm
  /// Runs the passes. Without them a model keeps its nodes until it is planned; the conformance tests compile each model
  /// both ways.
  package var optimising = true

  public init(
    shapes: [String: [ClosedRange<Int>]] = [:], verifying: Bool = false, weights: WeightForm = .float32
  ) {
    self.shapes = shapes
    self.verifying = verifying
    self.weights = weights
  }
}

/// An error that prevents a model from being compiled.
public struct CompilationError: Error, Sendable, CustomStringConvertible {
  enum Code: Sendable {
    case unknownInput(model: String, input: String, inputs: [String])
    case declaredShape(model: String, input: String, declared: ShapeRanges, type: ValueType)
    case noOutputs(model: String)
    case noKernels(model: String, nodes: [String])
  }

  let code: Code

  init(_ code: Code) { self.code = code }

  public var description: String {
    switch code {
    case .unknownInput(let model, let input, let inputs):
      "model '\(model)' has no input '\(input)'; it has \(inputs.map { "'\($0)'" }.joined(separator: ", "))"
    case .declaredShape(let model, let input, let declared, let type):
      "the shape \(declared) declared for input '\(input)' of model '\(model)' does not fit its type \(type)"
    case .noKernels(let model, let nodes):
      "model '\(model)': this device has no kernel for \(nodes.joined(separator: ", ")); "
        + "cast their operands to another element type"
    case .noOutputs(let model): "model '\(model)' has no outputs"
    }
  }
}
