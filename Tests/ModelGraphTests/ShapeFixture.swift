import Foundation
import ModelGraph
import Tensors
import Testing

/// One operator that was run outside of this project, from `Tests/Fixtures/shapes.json` (made by
/// `scripts/make-shape-fixtures.py`).
struct ShapeFixture: Decodable, Sendable, CustomTestStringConvertible {
  struct Operand: Decodable, Sendable {
    var type: ElementType
    var dims: [Int]
    var integers: [Int]?
    var reals: [Double]?

    private enum Key: String, CodingKey { case type, dims, values }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      type = try container.decode(ElementType.self, forKey: .type)
      dims = try container.decode([Int].self, forKey: .dims)
      if type.isFloatingPoint {
        reals = try container.decodeIfPresent([Double].self, forKey: .values)
      } else {
        integers = try container.decodeIfPresent([Int].self, forKey: .values)
      }
    }

    func valueType() throws -> ValueType { ValueType(type, try Shape(checking: dims)) }

    /// The operand with its elements, when the fixture gives them.
    func tensor() throws -> Tensor? {
      let shape = try Shape(checking: dims)
      if let reals { return try Tensor(reals.map { Float($0) }, shape: shape) }
      guard let integers else { return nil }
      switch type {
      case .bool: return try Tensor(integers.map { $0 != 0 }, shape: shape)
      case .int32: return try Tensor(integers.map { Int32(clamping: $0) }, shape: shape)
      default: return try Tensor(integers.map { Int64($0) }, shape: shape)
      }
    }
  }

  var name: String
  var op: Op
  var inputs: [Operand?]
  /// The inferred outputs; `nil` if the node was refused.
  var outputs: [Operand]?
  var results: Int?

  var testDescription: String { name }

  /// A graph of this one node. `erase` changes what is declared of an input.
  func graph(_ erase: (ValueType) -> ValueType = { $0 }) throws -> Graph {
    var graph = Graph(name: name)
    var operands: [ValueID?] = []
    for (index, input) in inputs.enumerated() {
      guard let input else {
        operands.append(nil)
        continue
      }
      let id = graph.addValue("input\(index)", type: erase(try input.valueType()))
      graph.inputs.append(id)
      operands.append(id)
    }
    let made = (0..<(outputs?.count ?? results ?? 1)).map { graph.addValue("output\($0)") }
    graph.nodes = [Node(name: "node", op: op, inputs: operands, outputs: made)]
    graph.outputs = made
    return graph
  }

  /// The inputs whose elements the fixture gives, by their ids in ``graph(_:)``.
  func known() throws -> [ValueID: Tensor] {
    var known: [ValueID: Tensor] = [:]
    for (index, input) in inputs.compactMap({ $0 }).enumerated() {
      if let tensor = try input.tensor() { known[ValueID(index)] = tensor }
    }
    return known
  }

  static let all: [ShapeFixture] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/shapes.json")
    do { return try JSONDecoder().decode([ShapeFixture].self, from: Data(contentsOf: file)) } catch {
      Issue.record("\(file.path): \(error)")
      return []
    }
  }()
}
