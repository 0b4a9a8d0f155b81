import Device
import ModelGraph
import Tensors

extension RegexFullMatch: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try request.requireStrings(operand: 0)
    let shape = try request.operand(0).shape
    try request.requireResult(shape.dims)
    try request.require(try request.result(0).elementType == .bool, "the result should be bool")
    let matcher: RegexMatcher
    do { matcher = RegexMatcher(try RegularExpression(pattern)) } catch {
      throw request.invalid("its pattern cannot be used: \(error.reason)")
    }
    let count = shape.elementCount
    return Program(name: "regex full match", footprint: matcher.footprint) { frame in
      // The states are made anew in each call, which no other one then waits for.
      var matcher = matcher
      let source = try frame.operand(0, as: UInt64.self)
      let target = try frame.result(0, as: UInt8.self)
      let table = try frame.table()
      for index in 0..<count {
        target[index] = table.withBytes(source[index]) { matcher.matches($0) } ? 1 : 0
      }
    }
  }
}
