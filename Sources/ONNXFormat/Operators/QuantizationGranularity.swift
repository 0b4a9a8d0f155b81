import ModelGraph
import Tensors

/// The parts of a tensor that share a scale and a zero point in `QuantizeLinear` and `DequantizeLinear`: the whole, the
/// slices along an axis, or blocks of these.
struct QuantizationGranularity {
  private enum Kind {
    case tensor
    /// `column` shapes a list so that it broadcasts along the axis.
    case axis(column: [Int])
    /// Whole blocks: the axis is split in two, and the second one is broadcast.
    case split(sizes: [Int], parameters: [Int], original: [Int])
    /// Each parameter is repeated; `block` is the number of slices that share one.
    case blocks(axis: Int, block: Int)
  }

  private let node: NodeImport
  private let kind: Kind

  /// - Throws: ``ONNXError``, ``NodeImport/UnsupportedForm``.
  init(_ node: NodeImport) throws {
    self.node = node
    let block = try node.integer("block_size", in: 0...NodeImport.largest, default: 0)
    let axis = try node.integer("axis", default: 1)
    let (x, scale) = (try node.operand(0), try node.operand(1))
    guard let scales = node.graph.type(of: scale)?.dimensions else {
      throw NodeImport.UnsupportedForm(reason: "a scale whose rank cannot be told from the file")
    }
    // One number broadcasts by itself.
    if block == 0, scales.allSatisfy({ $0 == .known(1) }) {
      kind = .tensor
      return
    }
    guard let rank = node.rank(x), (-rank..<rank).contains(axis) || rank == 1 else {
      throw NodeImport.UnsupportedForm(
        reason: "a scale per axis of a value whose rank does not show the axis")
    }
    let index = rank == 1 ? 0 : axis < 0 ? axis + rank : axis
    if block == 0 {
      guard scales.count == 1 else {
        throw node.malformed("has a scale of \(scales.count) axes and no block_size")
      }
      kind = .axis(column: [-1] + [Int](repeating: 1, count: rank - index - 1))
    } else {
      guard scales.count == rank else {
        throw node.malformed("has a scale of \(scales.count) axes for blocks of a value of \(rank)")
      }
      kind = try Self.blocks(node, node.graph.type(of: x)?.dimensions, scales, axis: index, block)
    }
  }

  private static func blocks(
    _ node: NodeImport, _ dimensions: [Dimension]?, _ scales: [Dimension], axis: Int, _ block: Int
  ) throws -> Kind {
    guard let whole = dimensions?[axis].size, let parts = scales[axis].size else {
      return .blocks(axis: axis, block: block)
    }
    guard parts == whole / block + (whole % block == 0 ? 0 : 1) else {
      throw node.malformed("has \(parts) scales along an axis of \(whole), in blocks of \(block)")
    }
    let sizes = dimensions?.compactMap(\.size) ?? []
    guard whole % block == 0, sizes.count == scales.count, sizes.count < Shape.maximumRank else {
      return .blocks(axis: axis, block: block)
    }
    var (split, parameters) = (sizes, sizes)
    split.replaceSubrange(axis...axis, with: [parts, block])
    parameters.replaceSubrange(axis...axis, with: [parts, 1])
    return .split(sizes: split, parameters: parameters, original: sizes)
  }

  /// True when the computed value needs another shape.
  var isSplit: Bool { if case .split = kind { true } else { false } }

  /// The quantised or real value, in the shape that it is computed in.
  func split(_ x: ValueID) throws -> ValueID {
    guard case .split(let sizes, _, _) = kind else { return x }
    return node.intermediate(.reshape(allowZero: true), [x, try node.constant(sizes, "split")], "blocks")
  }

  /// Scales or zero points, so that they broadcast to the value.
  func aligned(_ parameters: ValueID, _ suffix: String) throws -> ValueID {
    switch kind {
    case .tensor:
      // A list of one number must not give a scalar an axis.
      guard let rank = node.rank(parameters), rank > node.rank(try node.operand(0)) ?? rank else {
        return parameters
      }
      return node.intermediate(
        .reshape(allowZero: false), [parameters, try node.constant([Int](), suffix + "Shape")], suffix)
    case .axis(let column):
      if node.rank(parameters) == 0 || column.count == 1 { return parameters }
      return node.intermediate(
        .reshape(allowZero: false), [parameters, try node.constant(column, suffix + "Shape")], suffix)
    case .split(_, let sizes, _):
      return node.intermediate(
        .reshape(allowZero: true), [parameters, try node.constant(sizes, suffix + "Shape")], suffix)
    case .blocks(let axis, let block):
      return node.intermediate(
        .gather(axis: axis), [parameters, try blockIndices(axis, block, suffix)], suffix)
    }
  }

  /// The block of each slice along the axis.
  private func blockIndices(_ axis: Int, _ block: Int, _ suffix: String) throws -> ValueID {
    func scalar(_ number: Int, _ name: String) throws -> ValueID {
      node.graph.constant(
        try Tensor([Int64(number)], shape: .scalar), named: "\(node.name)/\(suffix)/\(name)")
    }
    let size = node.intermediate(
      .shape(start: axis, end: axis + 1), [try node.operand(0)], suffix + "/size")
    let count = node.intermediate(
      .squeeze, [size, try node.constant([0], suffix + "/axes")], suffix + "/count")
    let slices = node.intermediate(
      .range, [try scalar(0, "start"), count, try scalar(1, "step")], suffix + "/slices")
    return node.intermediate(
      .binary(.divide), [slices, try scalar(block, "block")], suffix + "/indices")
  }

  /// Makes the node that gives the file's result: `op` on a value in the shape that it is computed in.
  func emit(_ op: Op, _ value: ValueID) throws {
    guard case .split(_, _, let original) = kind else { return try node.emit(op, [value]) }
    let whole = op == .identity ? value : node.intermediate(op, [value], "narrow")
    try node.emit(.reshape(allowZero: true), [whole, try node.constant(original, "whole")])
  }
}
