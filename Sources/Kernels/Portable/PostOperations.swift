import Device
import ModelGraph

/// Chains the program of an op and those of its post-ops.
enum PostOperations {
  /// A program for the whole request, or `nil` when a part of it has none.
  static func program(_ request: KernelRequest) throws -> Program? {
    guard var program = try Program.build(request.with(operands: request.ownOperands)) else { return nil }
    guard !request.postOps.isEmpty else { return program }
    let result = try request.result(0)
    let itself = Operand(elementType: result.elementType, shape: result.shape)
    var steps: [(program: Program, operand: Int?)] = []
    for postOp in request.postOps {
      switch postOp {
      case .unary(let function):
        let step = request.with(op: .unary(function), operands: [itself], results: [result])
        guard let built = try Program.build(step) else { return nil }
        steps.append((built, nil))
      case .binary(let function, let operand):
        let step = request.with(
          op: .binary(function), operands: [itself, try request.operand(operand)], results: [result])
        guard let built = try Program.build(step) else { return nil }
        steps.append((built, operand))
      }
    }
    let main = program.body
    let tail = steps
    let own = request.ownOperandCount
    program.aliasedOperand = nil
    program.partOffsets = nil
    program.resultOffsets = nil
    if request.postOps.contains(where: { $0.operand != nil }) {
      program.inPlaceOperands = program.inPlaceOperands.filter { !request.inPlace($0).isEmpty }
    }
    program.name += "+\(steps.count)"
    program.scratchBytes = steps.reduce(program.scratchBytes) { max($0, $1.program.scratchBytes) }
    program.footprint = steps.reduce(program.footprint) { $0 + $1.program.footprint }
    program.body = { frame in
      // The op may take an operand of a post-op for an optional one of its own.
      var head = frame
      head.operands = Array(frame.operands.prefix(own))
      try main(head)
      let result = try frame.result(0, as: UInt8.self)
      for step in tail {
        let operand = step.operand.map { [frame.operands[$0]] } ?? []
        try step.program.body(
          Frame(
            operands: [UnsafeRawPointer(result)] + operand, results: [UnsafeMutableRawPointer(result)],
            scratch: frame.scratch))
      }
    }
    return program
  }
}
