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
    /// - Parameter isLeast: true when it is known from shapes alone that it needs no less.
    case memberTooLarge(model: String, needed: Int, isLeast: Bool, budget: Int)
    /// - Parameter node: `nil` when no node was reached.
    case planningTooLong(model: String, node: String?, limit: Duration)
    case notPlannable(model: String, detail: String)
    case planTooLarge(model: String, needed: Int, limit: Int)
    case plansInUse(model: String, limit: Int)
    case modelTooLarge(model: String, needed: Int, limit: Int)
    case modelsInUse(model: String, limit: Int)
  }

  let code: Code

  init(_ code: Code) { self.code = code }

  init(plansOf model: String, _ shortage: MemoryShortage) {
    switch shortage {
    case .tooLarge(let needed, let limit):
      self.init(.planTooLarge(model: model, needed: needed, limit: limit))
    case .inUse(let limit): self.init(.plansInUse(model: model, limit: limit))
    }
  }

  init(graphOf model: String, _ shortage: MemoryShortage) {
    switch shortage {
    case .tooLarge(let needed, let limit):
      self.init(.modelTooLarge(model: model, needed: needed, limit: limit))
    case .inUse(let limit): self.init(.modelsInUse(model: model, limit: limit))
    }
  }

  /// A model that needs more at once than the budget.
  package static func tooLarge(model: String, needed: Int, isLeast: Bool = false, budget: Int) -> LinkError {
    LinkError(.memberTooLarge(model: model, needed: needed, isLeast: isLeast, budget: budget))
  }

  /// True when the inputs that were given are at fault, and others would do.
  public var isCallers: Bool {
    switch code {
    case .inputCount, .inputType, .outsideDeclared: true
    case .arenaTooLarge, .unknownShape, .memberTooLarge, .planningTooLong, .notPlannable, .planTooLarge,
      .plansInUse,
      .modelTooLarge,
      .modelsInUse:
      false
    }
  }

  /// True when it takes more memory or time than there is to be had: asking again is of no use.
  public var isTooLarge: Bool {
    switch code {
    case .arenaTooLarge, .memberTooLarge, .planTooLarge, .modelTooLarge, .planningTooLong: true
    case .inputCount, .inputType, .outsideDeclared, .unknownShape, .notPlannable, .plansInUse,
      .modelsInUse:
      false
    }
  }

  /// True when memory is missing that other requests give back when they end: asking again later is of use.
  public var isTemporary: Bool {
    switch code {
    case .plansInUse, .modelsInUse: true
    default: false
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
    case .memberTooLarge(let model, let needed, let isLeast, let budget):
      "model '\(model)' needs \(isLeast ? "at least " : "")\(ByteSize(bytes: needed).exact) at once, more than the budget of "
        + "\(ByteSize(bytes: budget).exact); raise --budget, or use a smaller input"
    case .planningTooLong(let model, let node, let limit):
      "model '\(model)': planning took longer than \(limit.components.seconds) s and stopped "
        + "\(node.map { "at node '\($0)'" } ?? "while shapes were propagated"); "
        + "use a smaller input"
    case .planTooLarge(let model, let needed, let limit):
      "a plan of model '\(model)' takes at least \(ByteSize(bytes: needed).exact), more than the "
        + "\(ByteSize(bytes: limit).exact) that all plans may keep; raise --plan-cache"
    case .plansInUse(let model, let limit):
      "there is no room for a plan of model '\(model)' beside the plans that requests use, which fill the "
        + "\(ByteSize(bytes: limit).exact) of --plan-cache; ask again later, or raise --plan-cache"
    case .modelTooLarge(let model, let needed, let limit):
      "the graph of model '\(model)' takes at least \(ByteSize(bytes: needed).exact) of memory when it is opened, more "
        + "than the \(ByteSize(bytes: limit).exact) that all opened models may take; raise --model-cache"
    case .modelsInUse(let model, let limit):
      "there is no room for the graph of model '\(model)' beside the opened models that are in use, which fill the "
        + "\(ByteSize(bytes: limit).exact) of --model-cache; ask again later, or raise --model-cache"
    case .notPlannable(let model, let detail): "model '\(model)' cannot be planned: \(detail)"
    }
  }
}
