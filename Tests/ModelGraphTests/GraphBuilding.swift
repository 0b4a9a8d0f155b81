import ModelGraph
import Tensors

extension Graph {
  /// Adds an input.
  mutating func input(_ name: String, _ elementType: ElementType = .float32, _ dimensions: [Dimension]?)
    -> ValueID
  {
    let id = addValue(name, type: ValueType(elementType, dimensions))
    inputs.append(id)
    return id
  }

  /// Adds a node of one result and gives that.
  @discardableResult
  mutating func node(
    _ name: String, _ op: Op, _ operands: ValueID?..., postOps: [PostOp] = []
  ) -> ValueID {
    let id = addValue(name)
    nodes.append(Node(name: name, op: op, inputs: operands, outputs: [id], postOps: postOps))
    return id
  }

  /// Adds a list of integers as a constant.
  mutating func list(_ name: String, _ integers: [Int64]) throws -> ValueID {
    addConstant(name, try Tensor(integers, shape: Shape(checking: [integers.count])))
  }

  /// Adds one integer as a constant.
  mutating func scalar(_ name: String, _ integer: Int64) throws -> ValueID {
    addConstant(name, try Tensor([integer], shape: .scalar))
  }

  /// Adds floats as a constant.
  mutating func floats(_ name: String, _ dims: [Int]) throws -> ValueID {
    let shape = try Shape(checking: dims)
    return addConstant(name, try Tensor([Float](repeating: 0.5, count: shape.elementCount), shape: shape))
  }
}

extension Convolution {
  /// Stride 1 and `padding` on each side of two spatial axes.
  static func square(padding: Int = 0, groups: Int = 1) -> Convolution {
    Convolution(
      strides: [1, 1], dilations: [1, 1], padding: .explicit([padding, padding, padding, padding]),
      groups: groups)
  }
}
