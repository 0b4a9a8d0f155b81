import ModelGraph
import Tensors

extension OperatorImport {
  /// Shapes as data.
  static let shapeOperators: [String: OperatorImport] = [
    "Shape": OperatorImport(1...1) { node in
      try node.emit(
        .shape(start: try node.integer("start", default: 0), end: try node.integer("end")), node.operands)
    },
    "Size": OperatorImport(1...1) { try $0.emit(.size, $0.operands) },
    "ConstantOfShape": OperatorImport(1...1, since: 9) { node in
      let value: Tensor
      if let proto = try node.tensorAttribute("value") {
        do { value = try node.graph.model.tensors.tensor(proto, name: node.name) } catch let unsupported
          as TensorDecoding.UnsupportedType
        {
          throw NodeImport.UnsupportedForm(reason: "a value of type \(unsupported.name)")
        }
      } else {
        value = try Tensor([Float(0)], shape: [1])
      }
      guard value.shape.elementCount == 1 else {
        throw node.malformed("has a value of \(value.shape.elementCount) elements; it has one")
      }
      try node.emit(.constantOfShape(value: try value.reshaped(to: .scalar)), node.operands)
    },
    "Range": OperatorImport(3...3, since: 11) { node in
      node.ignore("stash_type")
      try node.emit(.range, node.operands)
    },
    "NonZero": OperatorImport(1...1, since: 9) { try $0.emit(.nonZero, $0.operands) },
  ]
}
