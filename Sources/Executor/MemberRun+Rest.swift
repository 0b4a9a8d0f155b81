import Device
import Linker
import ModelGraph
import Tensors

/// The rest of a plan, run when the data that decide its shapes are there.
extension MemberRun {
  /// Plans and runs the rest. Its memory is counted first, then checked against what is reserved; only then is anything of it
  /// allocated.
  func runRest(
    of plan: Plan, _ continuation: Plan.Continuation, carried: [Tensor], needed: MemberMemory
  ) throws -> [Tensor] {
    let counted = try continuation.hostNodes.map { node in
      try node.op.hostLoop.map { try loop($0, node, carried: carried, of: plan, needed: needed) }
        ?? count(node, carried: carried, of: plan)
    }
    let types = zip(continuation.hostNodes, counted).flatMap { node, results in
      node.results.map { results.types[$0] }
    }
    let number = continuation.rows?.count(in: types)
    if number == 0, let outputs = continuation.rows?.outputsOfNoRows { return outputs }
    var needed = needed
    for results in counted {
      needed.add(requestBytes: results.held)
      needed.add(requestBytes: results.textBytes)
    }
    let rest = try plannedRest(of: plan, continuation, carried, types, count: number, after: needed)
    try reserve(rest.needed, of: plan)
    var made = try zip(continuation.hostNodes, counted).flatMap { node, results in
      let tensors = try results.tensors()
      return node.results.map { tensors[$0] }
    }
    if let padding = rest.padding { made = try padding.rows.padded(made, to: padding.bound) }
    let inputs = (carried + made).enumerated().filter { !continuation.decisive.contains($0.offset) }
    let outputs = try run(rest.plan, inputs: inputs.map(\.element), needed: rest.needed)
    return try rest.padding.map { try $0.rows.cut(outputs, of: $0.bound, to: $0.count) } ?? outputs
  }

  /// A rest that is planned.
  private struct PlannedRest {
    var plan: Plan
    /// The memory of the run up to the end of it.
    var needed: MemberMemory
    /// The rows that there are, and those that it takes, if they are more.
    var padding: (rows: RestRows, count: Int, bound: Int)?
  }

  /// Plans the rest: for more rows than there are where that saves plans and there is room for it, for what there is otherwise.
  private func plannedRest(
    of plan: Plan, _ continuation: Plan.Continuation, _ carried: [Tensor],
    _ types: [KernelRequest.ResultType],
    count: Int?, after needed: MemberMemory
  ) throws -> PlannedRest {
    var exact = needed
    for type in types {
      exact.add(requestBytes: type.elementType.byteCount(of: type.shape.elementCount) ?? .max)
    }
    try check(exact, of: plan)
    if let rows = continuation.rows, let count, count > 0,
      let (rest, bound) = try? planner.plan(
        restOf: plan, carried: carried, counted: types, in: rows, count: count)
    {
      var needed = exact
      // Rows with copies behind them stand beside those that were counted.
      if bound > count { needed.add(requestBytes: rest.requestBytes) }
      needed.add(rest)
      if needs.memory.union(needed).fits(room.bytes) {
        return PlannedRest(plan: rest, needed: needed, padding: bound > count ? (rows, count, bound) : nil)
      }
    }
    let rest = try planner.plan(restOf: plan, carried: carried, counted: types)
    exact.add(rest)
    return PlannedRest(plan: rest, needed: exact)
  }

  /// Counts the results of a node that the host computes, all of which must be there.
  private func count(_ node: Plan.HostNode, carried: [Tensor], of plan: Plan) throws -> CountedResults {
    guard let operation = node.op.onHost else {
      throw DeviceError(.unsupported, "the host does not compute \(node.op.name)")
    }
    let operands = node.operands.map { $0.map { carried[$0] } }
    do {
      let results = try operation.count(operands)
      guard node.results.allSatisfy(results.types.indices.contains) else {
        throw DeviceError(.invalidArgument, "it has \(results.types.count) results")
      }
      return results
    } catch let error as DeviceError {
      throw error.of(node: node.name, node.op, model: plan.model.name, operands: operands)
    }
  }
}

extension MemberMemory {
  /// Adds a rest that runs when what came before it has run.
  fileprivate mutating func add(_ rest: Plan) {
    arenaBytes = max(arenaBytes, rest.arenaBytes)
    add(requestBytes: rest.resultBytes)
  }
}
