import ModelGraph
import ModelStore
import Tensors

/// An error that prevents models from being planned or linked.
public struct LinkError: Error, Sendable, CustomStringConvertible {
  enum Code: Sendable {
    case arenaTooLarge
    case inputCount(model: String, expected: Int, found: Int)
    case inputType(model: String, input: String, expected: ValueType, found: ValueType)
    case outsideDeclared(model: String, input: String, declared: ShapeRanges, found: Shape)
    case unknownShape(model: String, node: String, op: String)
    case memberTooLarge(model: String, needed: Int, budget: Int)
    case planningTooLong(model: String, node: String, limit: Duration)
    case notPlannable(model: String, detail: String)
  }

  let code: Code

  init(_ code: Code) { self.code = code }

  /// A model that needs more at once than the budget.
  package static func tooLarge(model: String, needed: Int, budget: Int) -> LinkError {
    LinkError(.memberTooLarge(model: model, needed: needed, budget: budget))
  }

  /// True when the inputs that were given are at fault, and others would do.
  public var isCallers: Bool {
    switch code {
    case .inputCount, .inputType, .outsideDeclared: true
    case .arenaTooLarge, .unknownShape, .memberTooLarge, .planningTooLong, .notPlannable: false
    }
  }

  /// True when it takes more memory or time than there is to be had: asking again is of no use.
  public var isTooLarge: Bool {
    switch code {
    case .arenaTooLarge, .memberTooLarge, .planningTooLong: true
    case .inputCount, .inputType, .outsideDeclared, .unknownShape, .notPlannable: false
    }
  }

  public var description: String {
    switch code {
    case .arenaTooLarge: "the activations of this program take more memory than can be addressed"
    case .inputCount(let model, let expected, let found):
      "model '\(model)' takes \(expected) inputs, \(found) were given"
    case .inputType(let model, let input, let expected, let found):
      "input '\(input)' of model '\(model)' is \(expected), but a \(found) was given"
    case .outsideDeclared(let model, let input, let declared, let found):
      "input '\(input)' of model '\(model)' was declared as \(declared) when the model was added, but shape "
        + "\(found.dims) was given; to allow it, add the model again with another --shape"
    case .unknownShape(let model, let node, let op):
      "model '\(model)', node '\(node)' (\(op)): the shape of its result does not follow from its operands"
    case .memberTooLarge(let model, let needed, let budget):
      "model '\(model)' needs \(ByteSize(bytes: needed).exact) at once, more than the budget of "
        + "\(ByteSize(bytes: budget).exact); raise --budget, or use a smaller input"
    case .planningTooLong(let model, let node, let limit):
      "model '\(model)': planning took longer than \(limit.components.seconds) s and stopped at node '\(node)'; "
        + "use a smaller input"
    case .notPlannable(let model, let detail): "model '\(model)' cannot be planned: \(detail)"
    }
  }
}
