import Device
import Linker
import ModelGraph
import Tensors

/// Loops, each round of which is a plan of the body.
extension MemberRun {
  /// Runs a loop. The values that it keeps of every round are counted as they come.
  func loop(
    _ loop: any HostLoop, _ node: Plan.HostNode, carried: [Tensor], of plan: Plan, needed: MemberMemory
  ) throws -> CountedResults {
    let operands = node.operands.map { $0.map { carried[$0] } }
    let captured = try operands.dropFirst(loop.firstCapture).map { operand in
      guard let operand else {
        throw DeviceError(.invalidArgument, "loop '\(node.name)' lacks an operand that its body reads")
      }
      return operand
    }
    var kept = needed
    var collected = 0
    do {
      let results = try loop.results(Array(operands.prefix(loop.firstCapture))) { inputs in
        let listBytes = inputs.listBytes
        let inputs = inputs + captured
        let round = try planner.plan(
          roundOf: node, of: plan, inputs: inputs.map { ($0.elementType, $0.shape) })
        var needed = kept
        needed.arenaBytes = max(needed.arenaBytes, round.arenaBytes)
        needed.add(requestBytes: round.requestBytes)
        needed.add(requestBytes: listBytes)
        // As much again as there is by now, so that a loop starts anew few times.
        try reserve(needed, of: plan, spare: max(collected, MemberRun.leastSpare))
        try needs.addRound(limit: MemberRun.mostRounds)
        let outputs = try run(round, inputs: inputs, needed: needed)
        // Twice: each by itself, and then all of them in one tensor.
        for output in outputs.dropFirst(loop.firstCollected) {
          let bytes = output.byteCount.adding(saturating: output.byteCount)
          collected = collected.adding(saturating: bytes)
          kept.add(requestBytes: bytes)
        }
        return outputs
      }
      return CountedResults(
        results.map { KernelRequest.ResultType($0.elementType, $0.shape) }, held: results.listBytes
      ) { results }
    } catch let error as DeviceError {
      throw error.of(node: node.name, node.op, model: plan.model.name, operands: operands)
    }
  }
}
