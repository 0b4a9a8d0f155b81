import GraphPasses
import ModelGraph
import Synchronization
import Tensors
import Testing

/// Adds and expands, and says what it was asked.
final class Adder: ConstantEvaluator {
  let asked = Mutex<[String]>([])

  func evaluate(
    _ node: Node, operands: [Tensor?], resultTypes: [ValueType?], in graph: String
  ) throws -> [Tensor?]? {
    asked.withLock { $0.append(node.name) }
    switch node.op {
    case .binary(.add):
      guard let a = operands[0]?.floats, let b = operands[1]?.floats, let shape = resultTypes[0]?.shape else {
        return nil
      }
      return [try Tensor(zip(a, b).map(+), shape: shape)]
    case .expand:
      guard let value = operands[0]?.floats?.first, let shape = resultTypes[0]?.shape else { return nil }
      return [try Tensor([Float](repeating: value, count: shape.elementCount), shape: shape)]
    case .binary(.divide): throw Failure()
    default: return nil
    }
  }

  struct Failure: Error {}
}

struct ConstantFoldingTests {
  @Test func knownNodesAreComputed() throws {
    var builder = GraphBuilder()
    let sum = builder.node("sum", .binary(.add), try builder.ramp("a", [3]), try builder.ramp("b", [3]))
    let wide = builder.node("wide", .reshape(allowZero: false), sum, try builder.integers("s", [1, 3]))
    builder.output(builder.node("y", .binary(.multiply), builder.input("x", [2, 3]), wide))
    let graph = try builder.after(.constantFolding, Adder()).graph
    #expect(graph.ops == ["binary.multiply"])
    #expect(graph.parameter(1, of: "y") == [0.2, 0.4, 0.6].map { Float($0) })
    #expect(graph.tensor(graph.nodes[0].inputs[1])?.shape == [1, 3])
  }

  @Test func withoutAnEvaluatorOnlyShapesChange() throws {
    var builder = GraphBuilder()
    let wide = builder.node(
      "wide", .reshape(allowZero: false), try builder.ramp("a", [3]), try builder.integers("s", [1, 3]))
    let sum = builder.node("sum", .binary(.add), wide, try builder.ramp("b", [3]))
    builder.output(builder.node("y", .binary(.multiply), builder.input("x", [2, 3]), sum))
    #expect(try builder.after(.constantFolding).graph.ops == ["binary.add", "binary.multiply"])
  }

  @Test func whatTheEvaluatorCannotDoStays() throws {
    var builder = GraphBuilder()
    let root = builder.node("root", .unary(.squareRoot), try builder.ramp("a", [3]))
    builder.output(builder.node("y", .binary(.multiply), builder.input("x", [2, 3]), root))
    let adder = Adder()
    #expect(try builder.after(.constantFolding, adder).changes == 0)
    #expect(adder.asked.withLock { $0 } == ["root"])
  }

  @Test func failuresAreReported() throws {
    var builder = GraphBuilder()
    let part = builder.node("part", .binary(.divide), try builder.ramp("a", [3]), try builder.ramp("b", [3]))
    builder.output(builder.node("y", .binary(.multiply), builder.input("x", [2, 3]), part))
    let graph = try builder.typed()
    var changed = graph
    #expect(throws: Adder.Failure.self) { try Pass.constantFolding.run(&changed, Adder()) }
    #expect(changed == graph)
  }

  @Test func weightsOfACompiledModelAndOutputsAreNotFolded() throws {
    var builder = GraphBuilder()
    let (a, b) = (try builder.ramp("a", [3]), try builder.ramp("b", [3]))
    builder.output(builder.node("y", .binary(.add), a, b))
    #expect(try builder.after(.constantFolding, Adder()).changes == 0)

    builder = GraphBuilder()
    let weight = try builder.ramp("a", [3])
    builder.graph.constants[weight] = .weight(index: 0, elementType: .float32, shape: [3])
    let sum = builder.node("sum", .binary(.add), weight, try builder.ramp("b", [3]))
    builder.output(builder.node("y", .binary(.multiply), builder.input("x", [2, 3]), sum))
    let adder = Adder()
    #expect(try builder.after(.constantFolding, adder).changes == 0)
    #expect(adder.asked.withLock { $0.isEmpty })
  }

  /// 1,000 × 60 floats are 240 kB; 1,000 × 70 are more than an expansion may take.
  @Test(arguments: [(60, true), (70, false)]) func expansionsAreBounded(columns: Int64, folds: Bool) throws {
    var builder = GraphBuilder()
    let wide = builder.node(
      "wide", .expand, try builder.constant("one", [1]), try builder.integers("s", [1000, columns]))
    builder.output(builder.node("y", .binary(.multiply), builder.input("x", [1000, Int(columns)]), wide))
    #expect(try builder.after(.constantFolding, Adder()).changes == (folds ? 1 : 0))
  }
}

struct ShapeFoldingTests {
  /// reshape(x, concat(shape(x)[0:2] · 1, [-1])): the subgraph behind the target goes away when x's shape is known.
  func builder(_ dims: [Dimension]) throws -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.input("x", dims)
    let shape = builder.node("shape", .shape(start: 0, end: nil), x)
    let narrow = builder.node("narrow", .cast(.int32), shape)
    let front = builder.node(
      "front", .slice, narrow, try builder.integers("zero", [0]), try builder.integers("two", [2]))
    let wide = builder.node("wide", .cast(.int64), front)
    let target = builder.node("target", .concat(axis: 0), wide, try builder.integers("rest", [-1]))
    builder.output(builder.node("y", .reshape(allowZero: false), x, target))
    return builder
  }

  @Test func shapesThatAreKnownAreConstants() throws {
    let dims: [Dimension] = [.known(2), .known(3), .symbol("height"), .symbol("width")]
    var graph = try builder(dims).after(.shapeFolding).graph
    graph.removeDeadCode()
    #expect(graph.ops == ["reshape"])
    #expect(graph.tensor(graph.nodes[0].inputs[1])?.integers == [2, 3, -1])
    #expect(graph.tensor(graph.nodes[0].inputs[1])?.elementType == .int64)
  }

  @Test func shapesThatAreNotKnownStay() throws {
    #expect(try builder([.symbol("batch"), .known(3), .known(4)]).after(.shapeFolding).changes == 0)
  }
}
