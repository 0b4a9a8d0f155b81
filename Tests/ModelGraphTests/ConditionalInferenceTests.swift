import ModelGraph
import Tensors
import Testing

/// Branches: what is known of a conditional's results.
struct ConditionalInferenceTests {
  /// A branch that reshapes what it captures.
  private func branch(_ name: String, _ target: [Int64]) throws -> Graph {
    var branch = Graph(name: name)
    let x = branch.addValue("captured")
    branch.inputs = [x]
    branch.outputs = [branch.node("y", .reshape(allowZero: false), x, try branch.list("target", target))]
    return branch
  }

  private func graph(_ then: Graph, _ otherwise: Graph) -> (Graph, condition: ValueID, result: ValueID) {
    var graph = Graph(name: "if")
    let condition = graph.input("condition", .bool, [])
    let x = graph.input("x", .float32, [.known(6), .known(4)])
    let y = graph.node("y", .conditional(then: then, otherwise: otherwise), condition, x)
    graph.outputs = [y]
    return (graph, condition, y)
  }

  @Test func branchesAreJoined() throws {
    let (graph, _, y) = graph(try branch("a", [3, 8]), try branch("b", [6, -1]))
    #expect(try graph.inferTypes()[y] == ValueType(.float32, [.unknown, .unknown]))
    let (same, _, z) = self.graph(try branch("a", [3, 8]), try branch("b", [3, 2, 4]))
    #expect(try same.inferTypes()[z] == ValueType(.float32, nil))
  }

  @Test(arguments: [(true, [3, 8]), (false, [6, 4])])
  func aKnownConditionDecides(_ truth: Bool, _ dims: [Int]) throws {
    let (graph, condition, y) = graph(try branch("a", [3, 8]), try branch("b", [6, -1]))
    let inference = try graph.inferTypes(known: [condition: Tensor([truth], shape: .scalar)])
    #expect(inference[y] == ValueType(.float32, try Shape(checking: dims)))
  }

  /// Element types in a branch are inferred even where its sizes contradict each other.
  @Test func aBranchThatNeverFitsHasElementTypes() throws {
    var captured = try branch("a", [5, 5])
    let y = captured.outputs[0]
    captured[captured.inputs[0]].type = ValueType(.float16, [6, 4] as Shape)
    #expect(throws: GraphError.self) { try captured.inferTypes() }
    #expect(captured.inferBranchTypes()[y]?.elementType == .float16)
    #expect(
      captured.inferBranchTypes(inputs: [ValueType(.float32, [5, 5] as Shape)])[y]
        == ValueType(.float32, [5, 5] as Shape))
  }

  /// A model for two sampling rates has a branch that does not fit the other's input: it may never be taken.
  @Test func aBranchThatCannotBeIsAnErrorOnlyWhenItIsTaken() throws {
    let (graph, condition, y) = graph(try branch("a", [5, 5]), try branch("b", [8, 3]))
    #expect(try graph.inferTypes()[y] == ValueType(.float32, [8, 3] as Shape))
    #expect(throws: GraphError.self) {
      try graph.inferTypes(known: [condition: Tensor([true], shape: .scalar)])
    }
    let (never, _, _) = self.graph(try branch("a", [5, 5]), try branch("b", [7, 7]))
    #expect(throws: GraphError.self) { try never.inferTypes() }
  }

  @Test func nestingIsBounded() throws {
    var inner = Graph(name: "innermost")
    let captured = inner.addValue("c")
    inner.inputs = [captured]
    inner.outputs = [captured]
    for level in 0..<100 {
      var outer = Graph(name: "level\(level)")
      let condition = outer.input("c", .bool, [])
      outer.outputs = [outer.node("y", .conditional(then: inner, otherwise: inner), condition, condition)]
      inner = outer
    }
    let graph = inner
    #expect { try graph.verify() } throws: { "\($0)".contains("nested") }
  }
}
