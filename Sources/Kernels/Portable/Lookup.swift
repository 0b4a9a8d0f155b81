import Device
import ModelGraph
import Tensors

extension Lookup: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try LookupProgram.build(request) }
}

/// The value of each element's key: x, keys, values. Looks among the ascending keys by halves.
enum LookupProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (x, keys, values) = (try request.operand(0), try request.operand(1), try request.operand(2))
    let keyType = Lookup.keyType(x.elementType)
    if let program = try Conversion.ifNeeded(request, operands: [0: keyType]) { return program }
    try request.requireSameType(2)
    try request.requireResult(x.shape.dims)
    try request.require(
      keys.elementType == keyType && keys.shape.rank == 1 && values.shape.rank == 1
        && values.shape.dims[0] == keys.shape.dims[0] + 1, "each key should have a value")
    let (count, keyCount) = (x.shape.elementCount, keys.shape.dims[0])
    func program<Key: Comparable & BitwiseCopyable & Sendable, Value: BitwiseCopyable & Sendable>(
      _ key: Key.Type, _ value: Value.Type
    ) -> Program {
      Program(name: "lookup") { frame in
        let (source, keys) = (try frame.operand(0, as: key), try frame.operand(1, as: key))
        let (values, target) = (try frame.operand(2, as: value), try frame.result(0, as: value))
        for index in 0..<count { target[index] = values[place(of: source[index], keys, keyCount)] }
      }
    }
    func program<Key: Comparable & BitwiseCopyable & Sendable>(_ key: Key.Type) -> Program? {
      switch request.elementSize(values.elementType) {
      case 1: program(key, UInt8.self)
      case 2: program(key, UInt16.self)
      case 4: program(key, UInt32.self)
      case 8: program(key, UInt64.self)
      default: nil
      }
    }
    return keyType == .float64 ? program(Double.self) : program(Int64.self)
  }

  /// The key's index, or `count` for an element that is no key. Only NaN differs from itself.
  @inline(__always)
  private static func place<Key: Comparable & BitwiseCopyable & Sendable>(
    of element: Key, _ keys: UnsafePointer<Key>, _ count: Int
  ) -> Int {
    if element != element { return count > 0 && keys[count &- 1] != keys[count &- 1] ? count &- 1 : count }
    var (first, end) = (0, count)
    while first < end {
      let middle = first &+ (end &- first) / 2
      if keys[middle] < element { first = middle &+ 1 } else { end = middle }
    }
    return first < count && keys[first] == element ? first : count
  }
}
