import Tensors

/// Why a pipeline cannot be run, or gave no answer.
public struct PipelineError: Error, Sendable, CustomStringConvertible {
  enum Code: Sendable {
    case notInOrder(pipeline: String, stage: String)
    case inputCount(pipeline: String, expected: Int, found: Int)
    case stage(pipeline: String, stage: String, any Error)
    case sizes([Int], of: Shape)
    case noConversion(from: ElementType, to: ElementType)
  }

  let code: Code

  init(_ code: Code) { self.code = code }

  /// True when the inputs that were given are at fault, and others would do.
  public var isCallers: Bool {
    switch code {
    case .inputCount, .sizes: true
    case .stage, .notInOrder, .noConversion: false
    }
  }

  /// The underlying error of a stage.
  public var underlying: (any Error)? { if case .stage(_, _, let error) = code { error } else { nil } }

  public var description: String {
    switch code {
    case .notInOrder(let pipeline, let stage):
      "pipeline '\(pipeline)': '\(stage)' takes an output of a stage that does not come before it"
    case .inputCount(let pipeline, let expected, let found):
      "pipeline '\(pipeline)' takes \(expected) inputs, \(found) were given"
    case .stage(let pipeline, let stage, let error): "pipeline '\(pipeline)', stage '\(stage)': \(error)"
    case .sizes(let sizes, let shape): "a tensor of shape \(shape) cannot be reshaped to \(sizes)"
    case .noConversion(let from, let to): "elements cannot be cast from \(from) to \(to)"
    }
  }
}
