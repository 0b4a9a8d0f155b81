import Device
import Kernels
import ModelGraph
import Testing

/// Every operator that a stored graph can have can be computed, and read back.
@Suite struct OperatorRegistryTests {
  @Test func namesAreUnique() {
    #expect(Set(Operators.all.map { $0.name }).count == Operators.all.count)
    #expect(Operators.byName.count == Operators.all.count)
    for kind in Operators.all { #expect(Operators.byName[kind.name].map { $0 == kind } == true, "\(kind)") }
  }

  /// A kernel computes every operator, except those of control, or the host if sizes of the results depend on data.
  @Test(arguments: Operators.all.map { $0.name }) func everyOperatorIsComputed(name: String) throws {
    let kind = try #require(Operators.byName[name])
    if kind.family == .control { return }
    #expect(kind.hasKernels || kind is any HostOperator.Type)
    #expect(kind.resultSizesDependOnData == (kind is any HostOperator.Type))
  }

  /// The parameters of every operator that the kernel cases use survive being stored.
  @Test func operatorsAreReadAsTheyAreStored() throws {
    var seen = Set<String>()
    for fixture in KernelFixture.all {
      var graph = Graph(name: "stored")
      let operands = fixture.operands.indices.map { graph.addValue("x\($0)") }
      let postOps = fixture.postOps.map { postOp -> PostOp in
        switch postOp {
        case .unary(let function): .unary(function)
        case .binary(let function, let operand): .binary(function, operands[operand])
        }
      }
      let results = fixture.expected.indices.map { graph.addValue("y\($0)") }
      graph.inputs = operands
      graph.outputs = results
      graph.nodes = [
        Node(
          name: "node", op: fixture.op, inputs: Array(operands.prefix(fixture.ownOperandCount)),
          outputs: results, postOps: postOps)
      ]
      // By bytes: a parameter may be NaN.
      let bytes = try graph.encoded()
      #expect(try Graph.decoded(from: bytes).encoded() == bytes, "\(fixture.name)")
      seen.insert(type(of: fixture.op.base).name)
    }
    #expect(seen.count > 30)
  }
}
