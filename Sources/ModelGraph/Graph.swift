import Tensors

/// Names one SSA value of a graph: an index into ``Graph/values``.
public struct ValueID: Sendable, Hashable, Codable, Comparable {
  public var index: Int
  public init(_ index: Int) { self.index = index }
  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// A value: an input, a constant, or what one node makes.
public struct Value: Sendable, Equatable {
  /// The name it has in the model's file; unique in the graph.
  public var name: String
  /// The known part of the value's type; `nil` before inference.
  public var type: ValueType?

  public init(name: String, type: ValueType? = nil) {
    self.name = name
    self.type = type
  }
}

/// A value that is known ahead of time.
public enum Constant: Sendable, Equatable {
  /// The elements themselves.
  case tensor(Tensor)
  /// The elements are in the compiled model, as its weight of this index, possibly packed.
  case weight(index: Int, elementType: ElementType, shape: Shape)

  public var type: ValueType {
    switch self {
    case .tensor(let tensor): ValueType(tensor.elementType, tensor.shape)
    case .weight(_, let elementType, let shape): ValueType(elementType, shape)
    }
  }

  /// The elements, unless they are in a compiled model.
  public var tensor: Tensor? { if case .tensor(let tensor) = self { tensor } else { nil } }
}

/// One operation on values.
public struct Node: Sendable, Equatable {
  /// The name it has in the model's file, or one made from its first output.
  public var name: String
  public var op: Op
  /// The operands of the op itself, in the order that its documentation gives; `nil` for an optional one that is left
  /// out. ``operands`` has those of ``postOps`` too.
  public var inputs: [ValueID?]
  /// The results; `nil` for an optional one that nobody uses.
  public var outputs: [ValueID?]
  /// The functions applied to the first result, in order, before anything reads it.
  public var postOps: [PostOp]

  public init(name: String, op: Op, inputs: [ValueID?], outputs: [ValueID?], postOps: [PostOp] = []) {
    self.name = name
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
    self.postOps = postOps
  }
}

/// The typed IR of one model: SSA values and nodes in topological order. Portable: nothing in it depends on a machine.
///
/// A branch of a ``Conditional`` is closed: what it captures from outside are its inputs.
public struct Graph: Sendable, Equatable {
  public var name: String
  public var values: [Value]
  public var inputs: [ValueID]
  public var outputs: [ValueID]
  public var constants: [ValueID: Constant]
  /// Every node comes after the nodes that make its operands.
  public var nodes: [Node]

  public init(name: String) {
    self.name = name
    values = []
    inputs = []
    outputs = []
    constants = [:]
    nodes = []
  }

  /// Adds a value.
  public mutating func addValue(_ name: String, type: ValueType? = nil) -> ValueID {
    values.append(Value(name: name, type: type))
    return ValueID(values.count - 1)
  }

  /// Adds a constant value.
  public mutating func addConstant(_ name: String, _ tensor: Tensor) -> ValueID {
    let id = addValue(name, type: ValueType(tensor.elementType, tensor.shape))
    constants[id] = .tensor(tensor)
    return id
  }

  public subscript(id: ValueID) -> Value {
    get { values[id.index] }
    set { values[id.index] = newValue }
  }

  /// The elements of `id` when it is a constant whose elements are at hand.
  public func tensor(_ id: ValueID?) -> Tensor? { id.flatMap { constants[$0]?.tensor } }
}
