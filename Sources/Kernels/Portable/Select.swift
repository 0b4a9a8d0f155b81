import Device
import ModelGraph
import Tensors

extension Select: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try SelectProgram.build(request) }
}

/// ONNX `Where`, on bytes.
enum SelectProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    try request.require(try request.operand(0).elementType == .bool, "the condition should be bool")
    try request.requireSameType(1)
    try request.requireSameType(2)
    guard let size = request.elementSize(result.elementType) else { return nil }
    let rows = try request.broadcastRows([0, 1, 2])
    let inPlace = try [1, 2].filter { try request.operand($0).shape == result.shape }
    return Program(name: "select", inPlaceOperands: inPlace) { frame in
      switch size {
      case 1: try run(UInt8.self, rows, frame)
      case 2: try run(UInt16.self, rows, frame)
      case 4: try run(UInt32.self, rows, frame)
      default: try run(UInt64.self, rows, frame)
      }
    }
  }

  private static func run<Element: BitwiseCopyable>(
    _ type: Element.Type, _ rows: BroadcastRows, _ frame: Frame
  )
    throws
  {
    let condition = try frame.operand(0, as: UInt8.self)
    let (then, otherwise) = (try frame.operand(1, as: type), try frame.operand(2, as: type))
    let result = try frame.result(0, as: type)
    let (c, t, o) = (rows.steps[1], rows.steps[2], rows.steps[3])
    // In bounds: the offsets walk the operands' own shapes, repeated along broadcast axes.
    rows.outer.forEach { offset in
      let (conditions, thens) = (condition + offset[1], then + offset[2])
      let (others, results) = (otherwise + offset[3], result + offset[0])
      var index = 0
      while index < rows.count {
        results[index] = conditions[index &* c] != 0 ? thens[index &* t] : others[index &* o]
        index &+= 1
      }
    }
  }
}
