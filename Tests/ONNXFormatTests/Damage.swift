import ONNXFormat

/// A small generator with a seed (SplitMix64; Steele, Lea and Flood 2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { bound > 0 ? Int.random(in: 0..<bound, using: &self) : 0 }
}

// MARK: Damage to the bytes

extension SplitMix64 {
  /// Numbers that break arithmetic: large, negative, just out of range.
  private static let varints: [[UInt8]] = [
    [0x00], [0x7f], [0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0x07], [0xff, 0xff, 0xff, 0xff, 0x0f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  ]

  /// Flips, replaces, cuts, and splices in what another file has.
  mutating func damaged(_ original: [UInt8], with other: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...below(4) where !bytes.isEmpty {
      let at = below(bytes.count)
      switch below(7) {
      case 0, 1: bytes[at] ^= 1 << UInt8(below(8))
      case 2: bytes[at] = UInt8(truncatingIfNeeded: next())
      case 3: bytes.removeSubrange(at...)
      case 4: bytes.removeSubrange(at..<min(at + 1 + below(8), bytes.count))
      case 5: bytes.replaceSubrange(at...at, with: Self.varints[below(Self.varints.count)])
      default:
        let from = below(other.count)
        bytes.insert(contentsOf: other[from..<min(from + 1 + below(64), other.count)], at: at)
      }
    }
    return bytes
  }
}

// MARK: Damage to what the bytes say

extension SplitMix64 {
  private mutating func number() -> Int64 {
    let numbers: [Int64] = [
      0, 1, -1, 2, 3, -2, 7, 16, 255, 1 << 31, -(1 << 31), 1 << 32, 1 << 40, .max, .min, .max / 2,
    ]
    return numbers[below(numbers.count)]
  }

  /// A model that is well-formed protobuf and says something else, often something impossible.
  mutating func altered(_ original: ONNXModelProto, with other: ONNXModelProto) -> ONNXModelProto {
    var model = original
    if below(4) == 0 { model.opsetImport = [.with { $0.version = Int64(7 + below(22)) }] }
    if below(3) == 0 {
      // The other model's nodes read what this one has.
      let names = model.graph.input.map(\.name) + model.graph.node.flatMap(\.output)
      for var node in other.graph.node {
        node.input = node.input.map { below(2) == 0 ? $0 : names.randomElement(using: &self) ?? $0 }
        model.graph.node.append(node)
      }
      model.graph.output += other.graph.output
      model.graph.input += other.graph.input
      model.graph.initializer += other.graph.initializer
    }
    for _ in 0...below(4) { alter(&model.graph) }
    for index in model.graph.initializer.indices { fill(&model.graph.initializer[index]) }
    return model
  }

  private mutating func alter(_ graph: inout ONNXGraphProto) {
    switch below(6) {
    case 0 where !graph.input.isEmpty:
      let index = below(graph.input.count)
      if below(4) == 0 {
        graph.input[index].type.tensorType.elemType = Int32(below(18))
      } else if let axis = graph.input[index].type.tensorType.shape.dim.indices.randomElement(using: &self) {
        graph.input[index].type.tensorType.shape.dim[axis].dimValue = number()
      } else {
        graph.input[index].type.tensorType.shape.dim.append(.with { $0.dimValue = 2 })
      }
    case 1 where !graph.initializer.isEmpty:
      let index = below(graph.initializer.count)
      if let axis = graph.initializer[index].dims.indices.randomElement(using: &self), below(2) == 0 {
        graph.initializer[index].dims[axis] = number()
      } else if let element = graph.initializer[index].int64Data.indices.randomElement(using: &self) {
        graph.initializer[index].int64Data[element] = number()
      } else {
        graph.initializer[index].dataType = Int32(below(18))
      }
    default:
      guard !graph.node.isEmpty else { return }
      alter(&graph.node[below(graph.node.count)])
    }
  }

  private mutating func alter(_ node: inout ONNXNodeProto) {
    switch below(8) {
    case 0: node.input.shuffle(using: &self)
    case 1: if !node.input.isEmpty { node.input[below(node.input.count)] = "" }
    case 2: node.input.append(node.input.randomElement(using: &self) ?? "x")
    case 3: if !node.output.isEmpty { node.input.append(node.output[0]) }
    default:
      guard let index = node.attribute.indices.randomElement(using: &self) else { return }
      if node.attribute[index].hasG { return alter(&node.attribute[index].g) }
      switch below(6) {
      case 0: node.attribute.remove(at: index)
      case 1: node.attribute[index].type = .init(rawValue: below(16)) ?? .undefined
      case 2: node.attribute[index].ints.append(number())
      default:
        node.attribute[index].i = number()
        node.attribute[index].f = Float(number())
        if let element = node.attribute[index].ints.indices.randomElement(using: &self) {
          node.attribute[index].ints[element] = number()
        }
      }
    }
  }

  /// Gives a tensor without elements some: raw data is not among what the tests' types hold.
  private mutating func fill(_ tensor: inout ONNXTensorProto) {
    let count = Int(tensor.dims.reduce(Int64(1)) { $0.multipliedReportingOverflow(by: $1).partialValue })
    guard (0...4096).contains(count) else { return }
    switch tensor.dataType {
    case 1 where tensor.floatData.isEmpty:
      tensor.floatData = (0..<count).map { _ in Float(below(9)) - 4 }
    case 7 where tensor.int64Data.isEmpty: tensor.int64Data = (0..<count).map { _ in Int64(below(5)) - 1 }
    case 9 where tensor.int32Data.isEmpty: tensor.int32Data = (0..<count).map { _ in Int32(below(2)) }
    default: break
    }
  }
}
