import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__Unique.html`. As in NumPy, both zeros are equal, and all NaN are equal and come
/// last.
extension Unique: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let x = try operands.operand(0)
    // Texts are ordered by their ranks.
    let keys = try x.stringRanks() ?? x
    guard let order = ElementOrder(keys.elementType) else {
      throw DeviceError(.unsupported, "unique has no order of \(x.elementType)")
    }
    let axis = try axis.map { try operands.axis($0, of: x.shape) }
    let dims = axis == nil ? [x.shape.elementCount] : x.shape.dims
    let slices = Slices(dims, axis: axis ?? 0, bytes: order.bytes)
    // A slice without elements takes no memory, so that their number has no bound.
    try operands.require(slices.length > 0 || slices.count <= 1 << 24, "has \(slices.count) empty slices")
    let groups = keys.withUnsafeBytes { bytes in
      switch order.bytes {
      case 1: Groups(bytes, slices, order, UInt8.self)
      case 2: Groups(bytes, slices, order, UInt16.self)
      case 4: Groups(bytes, slices, order, UInt32.self)
      default: Groups(bytes, slices, order, UInt64.self)
      }
    }
    let firsts = sorted ? groups.firsts : groups.firsts.sorted()
    var resultDims = dims
    resultDims[axis ?? 0] = firsts.count
    let shape = try Shape(checking: resultDims)
    let list = try Shape(checking: [firsts.count])
    let all = try Shape(checking: [slices.count])
    let type = KernelRequest.ResultType(.int64, list)
    return CountedResults([
      KernelRequest.ResultType(x.elementType, shape), type, KernelRequest.ResultType(.int64, all), type,
    ]) {
      let ranks = sorted ? Array(firsts.indices) : groups.ranksByOccurrence()
      var counts = [Int64](repeating: 0, count: firsts.count)
      for (group, rank) in ranks.enumerated() { counts[rank] = groups.counts[group] }
      let values = try Tensor(elementType: x.elementType, shape: shape, table: x.table) { target in
        x.withUnsafeBytes { slices.copy(firsts, from: $0, to: target) }
      }
      return [
        values, try Tensor(firsts.map { Int64($0) }, shape: list),
        try Tensor(groups.members.map { Int64(ranks[$0]) }, shape: all), try Tensor(counts, shape: list),
      ]
    }
  }
}

extension Tensor {
  /// The rank of each text among all, by its bytes; `nil` unless the elements are texts.
  fileprivate func stringRanks() throws -> Tensor? {
    guard let handles, let table else { return nil }
    // A text that many elements share is copied once.
    let texts = Dictionary(uniqueKeysWithValues: Set(handles).map { ($0, table[$0]) })
    let sorted = Set(texts.values).sorted { $0.lexicographicallyPrecedes($1) }
    let ranks = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, Int64($0)) })
    let ranksOfHandles = texts.mapValues { ranks[$0] ?? 0 }
    return try Tensor(handles.map { ranksOfHandles[$0] ?? 0 }, shape: shape)
  }
}

/// The slices of a tensor along an axis.
private struct Slices {
  /// The number of slices.
  let count: Int
  /// The number of elements of a slice.
  let length: Int
  /// The blocks of a slice, and the elements of each.
  private let outer: Int
  private let inner: Int
  private let bytes: Int

  init(_ dims: [Int], axis: Int, bytes: Int) {
    count = dims[axis]
    let isEmpty = dims.contains(0)
    outer = isEmpty ? 0 : dims[..<axis].reduce(1, *)
    inner = isEmpty ? 0 : dims[(axis + 1)...].reduce(1, *)
    length = outer * inner
    self.bytes = bytes
  }

  /// The place of an element of a slice in the tensor.
  @inline(__always) func place(_ slice: Int, _ block: Int) -> Int { (block * count + slice) * inner }

  /// Calls `body` with each element of every slice: its place in the tensor, and among the slices one by one.
  @inline(__always) func forEach(_ body: (_ place: Int, _ packed: Int) -> Void) {
    if length == 0 { return }
    for slice in 0..<count {
      for block in 0..<outer {
        let (from, to) = (place(slice, block), slice * length + block * inner)
        for index in 0..<inner { body(from + index, to + index) }
      }
    }
  }

  /// Copies some slices, in this order.
  func copy(_ chosen: [Int], from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
    let size = inner * bytes
    var written = 0
    for block in 0..<outer {
      for slice in chosen {
        let from = place(slice, block) * bytes
        UnsafeMutableRawBufferPointer(rebasing: target[written..<written + size]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[from..<from + size]))
        written += size
      }
    }
  }
}

/// Slices that are equal, in ascending order.
private struct Groups {
  /// The first slice of each group, by its index.
  private(set) var firsts: [Int] = []
  private(set) var counts: [Int64] = []
  /// The group of each slice.
  private(set) var members: [Int]

  init<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, _ slices: Slices, _ order: ElementOrder, _: Bits.Type
  ) {
    let (count, length) = (slices.count, slices.length)
    members = [Int](repeating: 0, count: count)
    let keys = [Bits](unsafeUninitializedCapacity: count * length) { keys, initialized in
      slices.forEach { place, packed in
        let bits = bytes.loadUnaligned(fromByteOffset: place * MemoryLayout<Bits>.size, as: Bits.self)
        keys[packed] = order.key(bits)
      }
      initialized = count * length
    }
    var indices = Array(0..<count)
    keys.withUnsafeBufferPointer { keys in
      /// The first difference of two slices; 0 without one.
      func compare(_ a: Int, _ b: Int) -> Int {
        for index in 0..<length {
          let (one, other) = (keys[a * length + index], keys[b * length + index])
          if one != other { return one < other ? -1 : 1 }
        }
        return 0
      }
      indices.sort { a, b in
        let order = compare(a, b)
        return order == 0 ? a < b : order < 0
      }
      var last: Int?
      for index in indices {
        if let last, compare(last, index) == 0 {
          counts[counts.count - 1] += 1
        } else {
          firsts.append(index)
          counts.append(1)
        }
        members[index] = firsts.count - 1
        last = index
      }
    }
  }

  /// The position of each group in the order of first occurrences.
  func ranksByOccurrence() -> [Int] {
    var ranks = [Int](repeating: 0, count: firsts.count)
    for (rank, group) in firsts.indices.sorted(by: { firsts[$0] < firsts[$1] }).enumerated() {
      ranks[group] = rank
    }
    return ranks
  }
}

/// The ascending order of elements, as that of unsigned integers of their width.
private struct ElementOrder {
  private enum Kind {
    case unsigned, signed, truth
    /// The bits of infinity.
    case float(UInt64)
  }

  /// Bytes of an element.
  let bytes: Int
  private let kind: Kind

  init?(_ type: ElementType) {
    bytes = type.bitWidth / 8
    switch type {
    case .float32: kind = .float(0x7f80_0000)
    case .float64: kind = .float(0x7ff0_0000_0000_0000)
    case .float16: kind = .float(0x7c00)
    case .bfloat16: kind = .float(0x7f80)
    case .int8, .int16, .int32, .int64: kind = .signed
    case .uint8, .uint16, .uint32, .uint64: kind = .unsigned
    case .bool: kind = .truth
    default: return nil
    }
  }

  /// The rank of an element among all of its type.
  @inline(__always) func key<Bits: FixedWidthInteger & UnsignedInteger>(_ bits: Bits) -> Bits {
    let sign = ~(Bits.max >> 1)
    switch kind {
    case .unsigned: return bits
    case .signed: return bits ^ sign
    case .truth: return bits == 0 ? 0 : 1
    case .float(let infinity):
      let magnitude = bits & ~sign
      if magnitude > Bits(truncatingIfNeeded: infinity) { return .max }
      if magnitude == 0 { return sign }
      return bits & sign == 0 ? bits | sign : ~bits
    }
  }
}
