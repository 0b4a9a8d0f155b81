import ModelGraph
import Tensors

/// An operand as a kernel will meet it.
public struct Operand: Sendable {
  /// The source of an operand's elements.
  public enum Source: Sendable {
    /// Made by another kernel, or an input of the model.
    case activation
    /// A weight of the compiled model: its layout is final.
    case weight
    /// Known when the plan is made: the kernel keeps what it needs of it and is given no memory for it.
    case immediate(Tensor)
  }

  public var elementType: ElementType
  public var shape: Shape
  /// The layout that it has where it comes from.
  public var layout: Layout
  public var source: Source

  public init(elementType: ElementType, shape: Shape, layout: Layout = .plain, source: Source = .activation) {
    self.elementType = elementType
    self.shape = shape
    self.layout = layout
    self.source = source
  }

  /// An operand whose elements are known when the plan is made.
  public init(immediate tensor: Tensor) {
    self.init(elementType: tensor.elementType, shape: tensor.shape, source: .immediate(tensor))
  }

  /// The elements when they are known.
  public var immediate: Tensor? { if case .immediate(let tensor) = source { tensor } else { nil } }
}

/// A request for a kernel: one node at concrete shapes.
public struct KernelRequest: Sendable {
  /// The model's and the node's names, for errors and traces.
  public var model: String
  public var node: String
  public var op: Op
  public var postOps: [PostOpRequest]
  /// The operands of the op itself, then those of the post-ops; `nil` for one that is left out.
  public var operands: [Operand?]
  /// The number of the first operands that belong to the op itself.
  public var ownOperandCount: Int
  /// In the order of the node's outputs; `nil` for one that nobody uses. Shapes are final.
  public var results: [ResultType?]
  /// The numbers of threads that the kernel must be able to run with, ascending. All agree on every layout.
  public var threads: [Int]

  /// The type of one result.
  public struct ResultType: Sendable, Hashable {
    public var elementType: ElementType
    public var shape: Shape

    public init(_ elementType: ElementType, _ shape: Shape) {
      self.elementType = elementType
      self.shape = shape
    }
  }

  /// - Parameter ownOperandCount: `nil` if all operands belong to the op itself.
  public init(
    model: String, node: String, op: Op, postOps: [PostOpRequest] = [], operands: [Operand?],
    ownOperandCount: Int? = nil, results: [ResultType?], threads: [Int] = [1]
  ) {
    self.model = model
    self.node = node
    self.op = op
    self.postOps = postOps
    self.operands = operands
    self.ownOperandCount = ownOperandCount ?? operands.count
    self.results = results
    self.threads = threads
  }

  /// The operands of the op itself.
  public var ownOperands: [Operand?] { Array(operands.prefix(ownOperandCount)) }
}
