import ModelGraph
import Tensors

extension Graph {
  /// True when it is certain that axis 0 of every input and output is a batch axis: that row `i` of every output is
  /// computed from row `i` of the inputs alone, and in the same way however many rows there are.
  ///
  /// The sizes of axis 0 have to be open under one symbol that stands nowhere else in the inputs. From there every value
  /// is followed op by op; an op that is not known to keep rows apart ends the search.
  public var hasBatchAxis: Bool {
    guard let inference = try? inferTypes() else { return false }
    var symbols = Set<String>()
    for id in inputs {
      guard case .symbol(let name)? = inference[id]?.dimensions?.first else { return false }
      symbols.insert(name)
    }
    guard symbols.count == 1, let symbol = symbols.first else { return false }
    return BatchAxis(graph: self, inference: inference, batch: .symbol(symbol)).reachesOutputs
  }
}

/// Follows the batch axis through a graph.
struct BatchAxis {
  /// The certain knowledge about a value.
  enum Label {
    /// It is the same whatever the inputs are.
    case fixed
    /// It follows from the inputs' shapes alone, and may depend on the number of rows.
    case size
    /// Axis 0 is the batch axis.
    case rows
  }

  let graph: Graph
  let inference: Inference
  let batch: Dimension
  private var labels: [ValueID: Label] = [:]

  init(graph: Graph, inference: Inference, batch: Dimension) {
    self.graph = graph
    self.inference = inference
    self.batch = batch
  }

  var reachesOutputs: Bool {
    var search = self
    for id in graph.constants.keys { search.labels[id] = .fixed }
    for id in graph.inputs {
      guard search.hasRows(id) else { return false }
      search.labels[id] = .rows
    }
    for node in graph.nodes {
      guard let label = search.label(of: node) else { continue }
      for id in node.outputs.compactMap({ $0 }) {
        if label == .rows, !search.hasRows(id) { continue }
        search.labels[id] = label
      }
    }
    return !graph.outputs.isEmpty && graph.outputs.allSatisfy { search.labels[$0] == .rows }
  }

  // MARK: Knowledge about values

  private func dimensions(_ id: ValueID?) -> [Dimension]? { id.flatMap { inference[$0]?.dimensions } }

  private func rank(_ id: ValueID?) -> Int? { dimensions(id)?.count }

  /// True when the value's first size is the number of rows, and no other may be.
  private func hasRows(_ id: ValueID?) -> Bool {
    guard let dimensions = dimensions(id) else { return false }
    return dimensions.first == batch && !dimensions.dropFirst().contains { $0 == batch || $0 == .unknown }
  }

  private func isRows(_ id: ValueID?) -> Bool { id.map { labels[$0] == .rows } ?? false }

  /// True when the operand is left out, or the same whatever the inputs are.
  private func isFixed(_ id: ValueID?) -> Bool { id.map { labels[$0] == .fixed } ?? true }

  private func isFixed(_ ids: some Sequence<ValueID?>) -> Bool { ids.allSatisfy { isFixed($0) } }

  /// True when an operand means the same for each row of a result of `rank` axes that it is broadcast to.
  private func broadcasts(_ id: ValueID?, toRank rank: Int) -> Bool {
    guard let id, let label = labels[id], let dimensions = dimensions(id) else { return false }
    switch label {
    case .rows: return dimensions.count == rank
    case .fixed: return dimensions.count < rank || dimensions.count == rank && dimensions.first == .known(1)
    case .size: return false
    }
  }

  /// The known elements of a fixed operand as axes of a value of `rank` axes.
  private func axes(_ id: ValueID?, rank: Int) -> [Int]? {
    guard let id, isFixed(id) else { return nil }
    let elements = inference.integers(id) ?? integers(graph.tensor(id))
    return elements?.map { $0 < 0 ? $0 + rank : $0 }
  }

  private func integers(_ tensor: Tensor?) -> [Int]? {
    guard let tensor else { return nil }
    switch tensor.elementType {
    case .int64: return (try? tensor.elements(as: Int64.self))?.map { Int($0) }
    case .int32: return (try? tensor.elements(as: Int32.self))?.map { Int($0) }
    default: return nil
    }
  }

  // MARK: Nodes

  /// Returns the certain knowledge about a node's results, or `nil` if there is none.
  private func label(of node: Node) -> Label? {
    let operands = node.inputs.compactMap { $0 }
    guard operands.allSatisfy({ labels[$0] != nil }) else {
      // The shape of a value is known however it was computed, but not whether it is the same for each row.
      return nil
    }
    if case .conditional = node.op { return nil }
    if operands.allSatisfy({ labels[$0] == .fixed }), node.op.isDeterministicOfOperands { return .fixed }
    if isShapeData(node) { return .size }
    guard isRows(of: node), keepsRows(after: node) else { return nil }
    return .rows
  }

  /// Returns true if the functions applied to the first result keep rows independent.
  private func keepsRows(after node: Node) -> Bool {
    node.postOps.allSatisfy { postOp in
      guard case .binary(_, let operand) = postOp else { return true }
      guard let rank = rank(node.outputs.first ?? nil), node.inputs.indices.contains(operand) else {
        return false
      }
      return broadcasts(node.inputs[operand], toRank: rank)
    }
  }

  /// Returns true if the results follow from shapes alone.
  private func isShapeData(_ node: Node) -> Bool {
    switch node.op {
    case .shape, .size: return true
    case .cast, .gather, .concat, .slice, .unsqueeze, .squeeze, .reshape, .binary, .unary, .identity, .select,
      .split, .reduce:
      return node.inputs.compactMap { $0 }.allSatisfy { labels[$0] == .size || labels[$0] == .fixed }
    default: return false
    }
  }

  /// Returns true if axis 0 of the results is the batch axis, provided it has that many elements.
  private func isRows(of node: Node) -> Bool {
    let first = node.inputs.first ?? nil
    let rest = node.inputs.dropFirst().prefix(node.operandCount - 1)
    guard let rank = rank(node.outputs.compactMap { $0 }.first) else { return false }
    switch node.op {
    case .unary, .cast, .identity, .pool, .localResponseNormalization, .depthToSpace, .spaceToDepth:
      return isRows(first)
    case .binary, .select:
      return node.inputs.prefix(node.operandCount).allSatisfy { broadcasts($0, toRank: rank) }
    case .convolution, .deconvolution, .batchNormalization, .instanceNormalization, .groupNormalization:
      return isRows(first) && isFixed(rest)
    case .resize:
      return isRows(first) && rest.allSatisfy { $0.map { labels[$0] != .rows } ?? true } && resizesRows(node)
    case .matrixMultiply(let product): return multipliesRows(node, product, rank: rank)
    case .layerNormalization(let axis, _):
      return isRows(first) && isFixed(rest) && isInner(axis, of: first)
        && rest.allSatisfy { $0.map { broadcasts($0, toRank: rank) } ?? true }
    case .softmax(let axis), .logSoftmax(let axis), .argumentOf(_, let axis, _, _), .split(let axis),
      .topK(let axis, _, _):
      return isRows(first) && isFixed(rest) && isInner(axis, of: first)
    case .reduce, .cumulativeSum, .slice, .pad: return isRows(first) && hasInnerAxes(node)
    case .concat(let axis):
      return node.inputs.allSatisfy { isRows($0) } && isInner(axis, of: first)
    case .gather(let axis):
      let indices = rest.first ?? nil
      if isRows(first) { return isFixed(indices) && isInner(axis, of: first) }
      return isFixed(first) && isRows(indices) && axis == 0
    case .gatherElements(let axis):
      return isRows(first) && isRows(rest.first ?? nil) && isInner(axis, of: first)
    case .transpose(let permutation): return isRows(first) && permutation.first == 0
    case .reshape, .flatten, .squeeze, .unsqueeze:
      return isRows(first) && rest.allSatisfy { !isRows($0) } && keepsElements(node)
    case .expand, .tile:
      // A fixed operand is repeated for each row.
      guard rest.allSatisfy({ !isRows($0) }) else { return false }
      if isRows(first) { return self.rank(first) == rank }
      return isFixed(first) && broadcasts(first, toRank: rank) && node.op.isExpand
    case .constantOfShape: return true
    case .triangular: return isRows(first) && isFixed(rest) && rank >= 3
    case .oneHot(let axis):
      return isRows(first) && isFixed(rest) && (axis < 0 ? axis + rank : axis) > 0
    default: return false
    }
  }

  private func isInner(_ axis: Int, of id: ValueID?) -> Bool {
    guard let rank = rank(id) else { return false }
    let axis = axis < 0 ? axis + rank : axis
    return axis > 0 && axis < rank
  }

  private func multipliesRows(_ node: Node, _ product: MatrixMultiply, rank: Int) -> Bool {
    let operands = node.inputs.prefix(2)
    guard operands.count == 2, let left = self.rank(operands[0]), let right = self.rank(operands[1]) else {
      return false
    }
    let bias = node.inputs.count > 2 && node.operandCount > 2 ? node.inputs[2] : nil
    guard bias.map({ broadcasts($0, toRank: rank) }) ?? true else { return false }
    // Two axes are multiplied: rows of the left operand are its first axis, or one of those before.
    if isRows(operands[0]), left == 2 { return !product.transposeA && isFixed(operands[1]) && right == 2 }
    guard rank >= 3, max(left, right) == rank else { return false }
    return operands.allSatisfy { broadcasts($0, toRank: rank) }
  }

  /// Returns true if an op that works along axes given by operands leaves axis 0 alone.
  private func hasInnerAxes(_ node: Node) -> Bool {
    guard let rank = rank(node.inputs.first ?? nil) else { return false }
    func operand(_ index: Int) -> ValueID? {
      index < node.operandCount && node.inputs.indices.contains(index) ? node.inputs[index] : nil
    }
    func areInner(_ id: ValueID?) -> Bool {
      axes(id, rank: rank)?.allSatisfy { $0 > 0 && $0 < rank } ?? false
    }
    switch node.op {
    case .reduce(_, _, let isNothing):
      guard let id = operand(1) else { return false }
      if axes(id, rank: rank)?.isEmpty == true { return isNothing }
      return areInner(id)
    case .cumulativeSum: return areInner(operand(1))
    case .slice: return (1...4).allSatisfy { isFixed(operand($0)) } && areInner(operand(3))
    case .pad:
      guard isFixed(operand(1)), isFixed(operand(2)), isFixed(operand(3)),
        let amounts = axes(operand(1), rank: 0)
      else { return false }
      if operand(3) != nil { return areInner(operand(3)) }
      return amounts.count == 2 * rank && amounts[0] == 0 && amounts[rank] == 0
    default: return false
    }
  }

  /// Returns true if the resized axes are inner ones: either the named ones, or all of them with a scale of 1
  /// for the first.
  private func resizesRows(_ node: Node) -> Bool {
    guard case .resize(let resize) = node.op, let rank = rank(node.inputs.first ?? nil) else { return false }
    if let axes = resize.axes { return axes.allSatisfy { ($0 < 0 ? $0 + rank : $0) > 0 } }
    if resize.coordinates == .tfCropAndResize { return false }
    let scales = node.inputs.count > 2 && node.operandCount > 2 ? node.inputs[2] : nil
    if let scales, let elements = (try? graph.tensor(scales)?.elements(as: Float.self)), !elements.isEmpty {
      return elements.count == rank && elements[0] == 1
    }
    // By sizes: what is certain is that the first one is the number of rows.
    let sizes = node.inputs.count > 3 && node.operandCount > 3 ? node.inputs[3] : nil
    guard let sizes, let elements = inference.contents[sizes] else { return false }
    return resize.aspectRatio == .stretch && elements.count == rank && elements[0] == batch
  }

  /// Returns true if the result has the operand's elements in the same order, and the same number in each
  /// row.
  private func keepsElements(_ node: Node) -> Bool {
    guard let from = dimensions(node.inputs.first ?? nil), let to = dimensions(node.outputs.first ?? nil)
    else {
      return false
    }
    func elements(_ dimensions: ArraySlice<Dimension>) -> (known: Int, symbols: [String])? {
      var known = 1
      var symbols: [String] = []
      for dimension in dimensions {
        switch dimension {
        case .known(let size):
          let (product, overflow) = known.multipliedReportingOverflow(by: size)
          if overflow { return nil }
          known = product
        case .symbol(let name): symbols.append(name)
        case .unknown: return nil
        }
      }
      return (known, symbols.sorted())
    }
    guard let before = elements(from.dropFirst()), let after = elements(to.dropFirst()) else { return false }
    return to.first == batch && before == after
  }
}

extension Node {
  /// The operands of the op itself, without those of post-ops.
  fileprivate var operandCount: Int {
    let first = postOps.compactMap { if case .binary(_, let operand) = $0 { operand } else { nil } }.min()
    return min(inputs.count, first ?? .max)
  }
}

extension Op {
  fileprivate var isExpand: Bool { if case .expand = self { true } else { false } }

  /// True if equal operands give equal results: every op except a conditional, which is not inspected.
  fileprivate var isDeterministicOfOperands: Bool { if case .conditional = self { false } else { true } }
}
