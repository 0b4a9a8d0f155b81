import Device
import ModelGraph
import Tensors

extension StringIndex: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try request.requireStrings(operand: 0)
    let shape = try request.operand(0).shape
    try request.requireResult(shape.dims)
    try request.require(try request.result(0).elementType == .int64, "the result should be int64")
    let index = VocabularyIndex(vocabulary)
    let count = shape.elementCount
    return Program(name: "string index", footprint: index.footprint) { frame in
      let source = try frame.operand(0, as: UInt64.self)
      let target = try frame.result(0, as: Int64.self)
      let table = try frame.table()
      for position in 0..<count { target[position] = Int64(table.withBytes(source[position], index.place)) }
    }
  }
}

/// A hash table of texts, with keys of the process so that no texts collide on purpose.
private struct VocabularyIndex: Sendable {
  private let list: StringList
  /// The index of a text, or −1; a power of two of them.
  private var slots: [Int32]
  private let seed = UInt64.random(in: .min ... .max)

  var footprint: Int { list.byteCount + slots.count * MemoryLayout<Int32>.size }

  init(_ list: StringList) {
    self.list = list
    var size = 4
    while size < 2 * list.count { size *= 2 }
    slots = [Int32](repeating: -1, count: size)
    for index in 0..<min(list.count, Int(Int32.max)) {
      let text = list[index]
      text.withUnsafeBufferPointer { bytes in
        var slot = hash(bytes) & (size - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
        slots[slot] = Int32(index)
      }
    }
  }

  /// The index of a text; the number of texts for one that is not among them.
  func place(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var slot = hash(text) & (slots.count - 1)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if list[index].elementsEqual(text) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    return list.count
  }

  private func hash(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var hasher = Hasher()
    hasher.combine(seed)
    hasher.combine(bytes: UnsafeRawBufferPointer(text))
    return hasher.finalize()
  }
}
