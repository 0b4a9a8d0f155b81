import Device
import ModelGraph
import Tensors

extension StringConcat: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try request.requireStrings(result: 0)
    let pairs = try StringPairs(request)
    return Program(name: "string concat") { frame in
      let target = try frame.result(0, as: UInt64.self)
      let table = try frame.table()
      var joined: [UInt8] = []
      try pairs.forEach(frame) { index, a, b in
        // A text beside an empty one is itself.
        if a == 0 || b == 0 {
          target[index] = a | b
          return
        }
        joined.removeAll(keepingCapacity: true)
        table.withBytes(a) { joined.append(contentsOf: $0) }
        table.withBytes(b) { joined.append(contentsOf: $0) }
        target[index] = try joined.withUnsafeBufferPointer { try table.add($0) }
      }
    }
  }
}

extension StringEqual: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try request.require(try request.result(0).elementType == .bool, "the result should be bool")
    let pairs = try StringPairs(request)
    return Program(name: "string equal") { frame in
      let target = try frame.result(0, as: UInt8.self)
      let table = try frame.table()
      try pairs.forEach(frame) { index, a, b in target[index] = table.areEqual(a, b) ? 1 : 0 }
    }
  }
}

/// The pairs of two operands of texts that broadcast to the result.
private struct StringPairs: Sendable {
  private let rows: BroadcastRows

  init(_ request: KernelRequest) throws {
    for index in 0...1 { try request.requireStrings(operand: index) }
    rows = try request.broadcastRows([0, 1])
  }

  /// Calls `body` with the index of each element of the result, and the handles of its pair.
  @inline(__always)
  func forEach(_ frame: Frame, _ body: (_ index: Int, _ a: UInt64, _ b: UInt64) throws -> Void) throws {
    let (a, b) = (try frame.operand(0, as: UInt64.self), try frame.operand(1, as: UInt64.self))
    try rows.outer.forEach { offset in
      for position in 0..<rows.count {
        try body(
          offset[0] &+ position &* rows.steps[0], a[offset[1] &+ position &* rows.steps[1]],
          b[offset[2] &+ position &* rows.steps[2]])
      }
    }
  }
}
