import ModelGraph
import Tensors

extension OperatorImport {
  /// `Constant` in each of its forms.
  static let constantOperators: [String: OperatorImport] = ["Constant": OperatorImport(0...0, constant)]

  private static func constant(_ node: NodeImport) throws {
    if let text = try node.bytes("value_string") {
      return try node.emit(.strings(StringList(bytesOf: [text]), shape: .scalar), [])
    }
    if node.has("value_strings") {
      let texts = try node.textBytes("value_strings") ?? []
      return try node.emit(.strings(StringList(bytesOf: texts), shape: Shape(checking: [texts.count])), [])
    }
    if let tensor = try node.tensorAttribute("value") { return try node.emit(constant: tensor) }
    if let tensor = try node.sparseAttribute("sparse_value") { return try node.emit(sparse: tensor) }
    var proto = ONNXTensorProto()
    if let number = try node.attributeFloat("value_float") {
      proto.dataType = 1
      proto.floatData = [number]
    } else if let numbers = try node.floats("value_floats") {
      proto.dataType = 1
      proto.dims = [Int64(numbers.count)]
      proto.floatData = numbers
    } else if let number = try node.integer("value_int") {
      proto.dataType = 7
      proto.int64Data = [Int64(number)]
    } else if let numbers = try node.integers("value_ints") {
      proto.dataType = 7
      proto.dims = [Int64(numbers.count)]
      proto.int64Data = numbers.map { Int64($0) }
    } else {
      throw node.malformed("has no value")
    }
    try node.emit(constant: proto)
  }
}
