import Device
import ModelGraph
import Tensors

extension LinearAttention: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try LinearAttentionProgram.build(self, request)
  }
}

/// ONNX `LinearAttention`: query, key, value, state, decay, beta. Results: output, last state. The state of each key head is
/// updated step by step, in floats.
enum LinearAttentionProgram {
  static func build(_ op: LinearAttention, _ request: KernelRequest) throws -> Program? {
    guard request.operands.allSatisfy({ $0?.elementType.isFloatingPoint ?? true }) else { return nil }
    let floats = Dictionary(uniqueKeysWithValues: (0..<6).map { ($0, ElementType.float32) })
    if let program = try Conversion.ifNeeded(request, operands: floats, results: [0: .float32, 1: .float32]) {
      return program
    }
    let steps = try LinearAttentionSteps(op, request)
    let (state, overflow) = steps.keySize.multipliedReportingOverflow(by: steps.valueSize)
    let (numbers, tooMany) = state.addingReportingOverflow(steps.valueSize)
    try request.require(
      !overflow && !tooMany && ElementType.float32.byteCount(of: numbers) != nil, "the state is too large")
    let scratch = alignedScratch(ElementType.float32.byteCount(of: numbers) ?? 0)
    return Program(name: "linear attention", scratchBytes: scratch) { frame in
      let memory = try frame.scratch(as: Float.self)
      for batch in 0..<steps.batch {
        for head in 0..<steps.keyHeads {
          try steps.run(batch: batch, head: head, state: memory, value: memory + state, frame)
        }
      }
    }
  }
}

/// The sizes of a linear attention, and the steps of one head.
private struct LinearAttentionSteps: Sendable {
  let batch: Int
  let time: Int
  let keyHeads: Int
  let keySize: Int
  let valueSize: Int
  /// Query heads that share a key head.
  private let group: Int
  private let scale: Float
  /// Numbers of a step: one a head, or one a key's number; one a head, or one for all.
  private let decayWidth: Int
  private let betaWidth: Int

  init(_ op: LinearAttention, _ request: KernelRequest) throws {
    let (query, key, value) = (
      try request.operand(0).shape.dims, try request.operand(1).shape.dims, try request.operand(2).shape.dims
    )
    try request.require(
      op.queryHeads > 0 && op.keyHeads > 0 && op.queryHeads % op.keyHeads == 0,
      "\(op.queryHeads) heads of queries do not share \(op.keyHeads) of keys")
    try request.require(
      query.count == 3 && key.count == 3 && value.count == 3 && key.prefix(2) == query.prefix(2)
        && value.prefix(2) == query.prefix(2), "query, key and value should be [batch, time, numbers]")
    try request.require(
      query[2] % op.queryHeads == 0 && key[2] % op.keyHeads == 0 && value[2] % op.keyHeads == 0
        && query[2] / op.queryHeads == key[2] / op.keyHeads, "the numbers of a step do not fit the heads")
    (batch, time, keyHeads, group) = (query[0], query[1], op.keyHeads, op.queryHeads / op.keyHeads)
    (keySize, valueSize) = (key[2] / op.keyHeads, value[2] / op.keyHeads)
    scale = Float(op.scale ?? 1 / Double(max(keySize, 1)).squareRoot())
    func width(_ index: Int, _ allowed: [Int], isNeeded: Bool) throws -> Int {
      guard isNeeded else { return 0 }
      let dims = try request.operand(index).shape.dims
      try request.require(
        dims.count == 3 && dims.prefix(2) == query.prefix(2) && allowed.contains(dims[2]),
        "operand \(index) should have \(allowed) numbers in each step")
      return dims[2]
    }
    decayWidth = try width(4, [op.keyHeads, key[2]], isNeeded: op.rule.isGated)
    betaWidth = try width(5, [op.keyHeads, 1], isNeeded: op.rule.isDelta)
    let state = [batch, keyHeads, keySize, valueSize]
    if let initial = request.optionalOperand(3) {
      try request.require(initial.shape.dims == state, "the state should be \(state)")
    }
    if request.optionalResult(0) != nil {
      let (width, overflow) = valueSize.multipliedReportingOverflow(by: op.queryHeads)
      try request.require(!overflow, "the result is too large")
      try request.requireResult([batch, time, width])
    }
    if request.optionalResult(1) != nil { try request.requireResult(state, at: 1) }
  }

  /// All steps of one head of one sequence. `state` has room for a matrix of key size by value size, and `value` for one value.
  func run(
    batch index: Int, head: Int, state: UnsafeMutablePointer<Float>, value: UnsafeMutablePointer<Float>,
    _ frame: Frame
  ) throws {
    let (query, key) = (try frame.operand(0, as: Float.self), try frame.operand(1, as: Float.self))
    let values = try frame.operand(2, as: Float.self)
    let (decay, beta) = (frame.optional(4, as: Float.self), frame.optional(5, as: Float.self))
    let output = frame.optionalResult(0, as: Float.self)
    let (count, place) = (keySize &* valueSize, (index &* keyHeads &+ head) &* keySize &* valueSize)
    if let initial = frame.optional(3, as: Float.self) {
      state.update(from: initial + place, count: count)
    } else {
      state.update(repeating: 0, count: count)
    }
    for step in 0..<time {
      let row = index &* time &+ step
      let keys = key + (row &* keyHeads &+ head) &* keySize
      if decayWidth > 0, let decay {
        let numbers = decay + row &* decayWidth
        let isPerHead = decayWidth == keyHeads
        for line in 0..<keySize {
          let factor = Float.exponential(isPerHead ? numbers[head] : numbers[head &* keySize &+ line])
          let target = state + line &* valueSize
          for column in 0..<valueSize { target[column] *= factor }
        }
      }
      value.update(from: values + (row &* keyHeads &+ head) &* valueSize, count: valueSize)
      if betaWidth > 0, let beta {
        addRows(of: state, scaledBy: keys, sign: -1, to: value)
        let factor = beta[row &* betaWidth &+ (betaWidth == 1 ? 0 : head)]
        for column in 0..<valueSize { value[column] *= factor }
      }
      for line in 0..<keySize {
        let (factor, target) = (keys[line], state + line &* valueSize)
        for column in 0..<valueSize { target[column] += factor * value[column] }
      }
      guard let output else { continue }
      for member in 0..<group {
        let reader = row &* keyHeads &* group &+ head &* group &+ member
        let target = output + reader &* valueSize
        target.update(repeating: 0, count: valueSize)
        addRows(of: state, scaledBy: query + reader &* keySize, sign: scale, to: target)
      }
    }
    if let last = frame.optionalResult(1, as: Float.self) { (last + place).update(from: state, count: count) }
  }

  /// Adds each row of the state, times its factor and `sign`, to `target`.
  private func addRows(
    of state: UnsafePointer<Float>, scaledBy factors: UnsafePointer<Float>, sign: Float,
    to target: UnsafeMutablePointer<Float>
  ) {
    for line in 0..<keySize {
      let (factor, row) = (sign * factors[line], state + line &* valueSize)
      for column in 0..<valueSize { target[column] += factor * row[column] }
    }
  }
}
