import Device
import ModelGraph
import Tensors

/// The operands of an operator that the host computes.
struct HostOperands {
  private let name: String
  private let tensors: [Tensor?]

  init(_ operation: some Operator, _ tensors: [Tensor?]) {
    name = operation.name
    self.tensors = tensors
  }

  /// The operand at `index`, or `nil` if it is left out.
  func optional(_ index: Int) -> Tensor? { tensors.indices.contains(index) ? tensors[index] : nil }

  func operand(_ index: Int) throws -> Tensor {
    guard let tensor = optional(index) else { throw invalid("lacks its operand \(index)") }
    return tensor
  }

  /// The operand at `index`, which must have this element type.
  func operand(_ index: Int, of type: ElementType) throws -> Tensor {
    let tensor = try operand(index)
    try require(tensor.elementType == type, "has an operand \(index) of \(tensor.elementType), not \(type)")
    return tensor
  }

  /// The one element of the operand at `index`; `nil` if the operand is left out.
  func number<Element: TensorElement>(_ index: Int, as type: Element.Type) throws -> Element? {
    guard let tensor = optional(index) else { return nil }
    try require(tensor.elementType == Element.elementType, "has an operand \(index) of \(tensor.elementType)")
    try require(tensor.shape.elementCount == 1, "has an operand \(index) of \(tensor.shape), not a number")
    return tensor.withUnsafeBytes { $0.loadUnaligned(as: Element.self) }
  }

  /// `axis` counted from the front.
  func axis(_ axis: Int, of shape: Shape) throws -> Int {
    try require(shape[axis: axis] != nil, "has no axis \(axis) in its operand of \(shape)")
    return axis < 0 ? axis + shape.rank : axis
  }

  func require(_ condition: Bool, _ detail: @autoclosure () -> String) throws {
    if !condition { throw invalid(detail()) }
  }

  /// The error that says `detail` of elements that do not suit the operator.
  func invalidData(_ detail: String) -> DeviceError { DeviceError(.invalidData, "\(name) \(detail)") }

  private func invalid(_ detail: String) -> DeviceError { DeviceError(.invalidArgument, "\(name) \(detail)") }
}
