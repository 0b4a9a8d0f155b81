import ModelGraph
import Tensors

extension OperatorImport {
  /// `Constant` in each of its forms.
  static let constantOperators: [String: OperatorImport] = ["Constant": OperatorImport(0...0, constant)]

  private static func constant(_ node: NodeImport) throws {
    let forms = ["value_string", "value_strings"]
    if let form = forms.first(where: node.has) { throw NodeImport.UnsupportedForm(reason: form) }
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
