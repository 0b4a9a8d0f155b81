import Device
import ModelGraph
import Tensors

extension ModelCompiler {
  /// Checks that the device has a kernel for the element types of every node of `graph`, branches and post-ops included,
  /// whatever the sizes will be: a model that is registered never lacks one.
  /// - Throws: ``CompilationError`` that names every node without one.
  func checkKernels(for graph: Graph) throws {
    let missing = missingKernels(for: graph, try graph.inferTypes())
    if !missing.isEmpty { throw CompilationError(.noKernels(model: graph.name, nodes: missing)) }
  }

  private func missingKernels(for graph: Graph, _ inference: Inference) -> [String] {
    func type(_ id: ValueID?) -> ElementType? {
      id.flatMap {
        inference[$0]?.elementType ?? graph[$0].type?.elementType ?? graph.tensor($0)?.elementType
      }
    }
    var missing: [String] = []
    for node in graph.nodes {
      let bodies = node.op.bodies
      missing += bodies.flatMap { missingKernels(for: $0, $0.inferBranchTypes()) }
      if !bodies.isEmpty { continue }
      let results = node.outputs.map(type)
      var steps: [(op: Op, operands: [ElementType?], results: [ElementType?])] = [
        (node.op, node.inputs.map(type), results)
      ]
      for postOp in node.postOps {
        switch postOp {
        case .unary(let function):
          steps.append((.unary(function), [results.first ?? nil], [results.first ?? nil]))
        case .binary(let function, let operand):
          steps.append((.binary(function), [results.first ?? nil, type(operand)], [results.first ?? nil]))
        }
      }
      for step in steps
      where step.op.onHost == nil
        && !device.hasKernel(for: step.op, operands: step.operands, results: step.results)
      {
        let types = step.operands.map { $0.map { "\($0)" } ?? "absent" }.joined(separator: ", ")
        missing.append("'\(node.name)' (\(step.op.name) of \(types))")
      }
    }
    return missing
  }
}
