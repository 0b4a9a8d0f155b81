import ModelGraph
import Tensors

extension NodeImport {
  /// Numbers of an attribute, or of the tensor that newer versions have in its place; and whether they are doubles.
  func numbers(_ name: String) throws -> (values: [Double], areDoubles: Bool)? {
    let floats = try floats(name) ?? []
    guard let tensor = try tensor(attribute: "\(name)_as_tensor") else {
      return floats.isEmpty ? nil : (floats.map { Double($0) }, false)
    }
    guard floats.isEmpty else { throw malformed("has both '\(name)' and '\(name)_as_tensor'") }
    return (try reals(tensor, name), tensor.elementType == .float64)
  }

  /// The tensor of an attribute.
  func tensor(attribute name: String) throws -> Tensor? {
    guard let proto = try tensorAttribute(name) else { return nil }
    do { return try graph.model.tensors.tensor(proto, name: "\(self.name)/\(name)") } catch let unsupported
      as TensorDecoding.UnsupportedType
    {
      throw UnsupportedForm(
        reason: "\(name) of \(unsupported.name)")
    }
  }

  /// The elements of a tensor of real numbers.
  func reals(_ tensor: Tensor, _ name: String) throws -> [Double] {
    if tensor.elementType == .float64 { return try tensor.elements(as: Double.self) }
    guard let floats = tensor.floats else {
      throw malformed("has elements of type \(tensor.elementType) in '\(name)'")
    }
    return floats.map { Double($0) }
  }

  /// Checks a list that has an entry for each of something.
  func check(_ count: Int, _ name: String, _ expected: Int) throws {
    guard count == expected else {
      throw malformed("has \(count) entries in '\(name)', where \(expected) are expected")
    }
  }
}
