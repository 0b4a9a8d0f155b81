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
    // https://onnx.ai/onnx/operators/onnx__EyeLike.html: what both an upper and a lower triangle keep of ones.
    "EyeLike": OperatorImport(1...1, since: 9) { node in
      let x = try node.operand(0)
      if let rank = node.rank(x), rank != 2 {
        throw node.malformed("has an operand of \(rank) axes, not two")
      }
      guard let type = try node.integer("dtype").map(node.elementType(number:)) ?? node.elementType(x) else {
        throw NodeImport.UnsupportedForm(
          reason: "the element type of its operand cannot be told from the file")
      }
      let diagonal = node.graph.constant(
        try Tensor([Int64(try node.integer("k", default: 0))], shape: .scalar), named: node.name + "/k")
      let shape = node.intermediate(.shape(start: 0, end: nil), [x], "shape")
      let ones = node.intermediate(
        .constantOfShape(value: try Tensor([true], shape: .scalar)), [shape], "ones")
      let upper = node.intermediate(.triangular(upper: true), [ones, diagonal], "upper")
      let band = Op.triangular(upper: false)
      if type == .bool { return try node.emit(band, [upper, diagonal]) }
      try node.emit(.cast(type), [node.intermediate(band, [upper, diagonal], "band")])
    },
    "Range": OperatorImport(3...3, since: 11) { node in
      node.ignore("stash_type")
      try node.emit(.range, node.operands)
    },
    "NonZero": OperatorImport(1...1, since: 9) { try $0.emit(.nonZero, $0.operands) },
  ]
}
