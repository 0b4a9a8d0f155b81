import ModelGraph
import Tensors

extension Pass {
  /// Runs inference, writes the types it found into the values, and makes constants of the small tensors that
  /// follow from shapes and constants (what becomes of `Shape`, and of the arithmetic behind it). Outputs of the graph are still computed.
  public static let shapeFolding = Pass(name: "shape folding", kind: .folding) { graph, _ in
    let inference = try graph.inferTypes()
    graph.annotate(with: inference)
    return graph.foldContents(of: inference)
  }
}

extension Graph {
  /// Makes constants of the values whose elements inference knows.
  /// - Returns: the number of values.
  mutating func foldContents(of inference: Inference) -> Int {
    Rewriter.rewrite(&self) { rewriter, index in
      let found = rewriter[index].outputs.compactMap { id -> (ValueID, Tensor)? in
        guard let id, rewriter.isRead(id), !rewriter.isGraphOutput(id), let type = inference[id],
          let shape = type.shape
        else { return nil }
        if let integers = inference.integers(id) {
          return Tensor(integers: integers, elementType: type.elementType, shape: shape).map { (id, $0) }
        }
        // Inference rounds to the element type after every step, as a kernel does.
        guard type.elementType == .float32, let floats = inference.floats(id) else { return nil }
        return (try? Tensor(floats.map { Float($0) }, shape: shape)).map { (id, $0) }
      }
      guard !found.isEmpty else { return false }
      rewriter.define(index, as: found)
      return true
    }
  }
}

extension Tensor {
  /// A tensor of integers; `nil` when they do not fit the type, or their number not the shape.
  init?(integers: [Int], elementType: ElementType, shape: Shape) {
    func converted<Element: TensorElement & FixedWidthInteger>(_: Element.Type) -> Tensor? {
      let elements = integers.compactMap { Element(exactly: $0) }
      return elements.count == integers.count ? try? Tensor(elements, shape: shape) : nil
    }
    let tensor: Tensor?
    switch elementType {
    case .int8: tensor = converted(Int8.self)
    case .int16: tensor = converted(Int16.self)
    case .int32: tensor = converted(Int32.self)
    case .int64: tensor = converted(Int64.self)
    case .uint8: tensor = converted(UInt8.self)
    case .uint16: tensor = converted(UInt16.self)
    case .uint32: tensor = converted(UInt32.self)
    case .uint64: tensor = converted(UInt64.self)
    case .bool: tensor = try? Tensor(integers.map { $0 != 0 }, shape: shape)
    default: tensor = nil
    }
    guard let tensor else { return nil }
    self = tensor
  }
}
