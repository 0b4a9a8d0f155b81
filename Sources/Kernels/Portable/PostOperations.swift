import Device
import ModelGraph

/// Chains the program of an op and those of its post-ops.
enum PostOperations {
  /// A program for the whole request, or `nil` when a part of it has none.
  static func program(_ request: KernelRequest) throws -> Program? {
    let tails = request.postOps.compactMap { if case .binary(_, let operand) = $0 { operand } else { nil } }
    // Operands of post-ops follow those of the op, which must not take them for optional ones of its own.
    let own = min(tails.min() ?? request.operands.count, request.operands.count)
    let head = request.with(operands: Array(request.operands.prefix(max(own, 0))))
    guard var program = try Program.build(head) else { return nil }
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
    program.aliasedOperand = nil
    program.partOffsets = nil
    program.resultOffsets = nil
    if !tails.isEmpty {
      program.inPlaceOperands = program.inPlaceOperands.filter { !request.inPlace($0).isEmpty }
    }
    program.name += "+\(steps.count)"
    program.scratchBytes = steps.reduce(program.scratchBytes) { max($0, $1.program.scratchBytes) }
    program.footprint = steps.reduce(program.footprint) { $0 + $1.program.footprint }
    program.body = { frame in
      try main(frame)
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
