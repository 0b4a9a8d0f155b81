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
    for id in inputs + outputs {
      // Rows of types of which several elements share a byte need not begin with a byte.
      if inference[id]?.elementType.isPacked ?? false { return false }
    }
    for id in inputs {
      guard case .symbol(let name)? = inference[id]?.dimensions?.first else { return false }
      symbols.insert(name)
    }
    guard symbols.count == 1, let symbol = symbols.first else { return false }
    let labels = BatchAxis(graph: self, inference: inference, batch: .symbol(symbol)).labels(withRows: inputs)
    return !outputs.isEmpty && outputs.allSatisfy { labels?[$0] == .rows }
  }

  /// Returns what is certain of the outputs if axis 0 of these inputs is one axis of rows, and each other input is the same for
  /// all rows.
  /// - Returns: for each output, its type with the number of rows as a symbol, or `nil` if it does not depend on the rows at all. `nil`
  ///   for the whole if an output may depend on the rows in another way.
  package func outputs(withRows rows: [ValueID]) -> [ValueType?]? {
    var graph = self
    let count = Dimension.symbol("number of rows")
    for id in rows {
      guard let type = graph[id].type, !type.elementType.isPacked, let dimensions = type.dimensions,
        !dimensions.isEmpty
      else { return nil }
      graph[id].type = ValueType(type.elementType, [count] + dimensions.dropFirst())
    }
    guard let inference = try? graph.inferTypes(),
      let labels = BatchAxis(graph: graph, inference: inference, batch: count).labels(withRows: rows)
    else { return nil }
    var types: [ValueType?] = []
    for id in outputs {
      switch labels[id] {
      case .rows where inference[id]?.elementType.isPacked == false: types.append(inference[id])
      case .fixed: types.append(nil)
      default: return nil
      }
    }
    return types
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
  private(set) var labels: [ValueID: Label] = [:]

  init(graph: Graph, inference: Inference, batch: Dimension) {
    self.graph = graph
    self.inference = inference
    self.batch = batch
  }

  /// Returns what is certain of each value if these inputs have rows, and the others are fixed; `nil` if one of them has none.
  func labels(withRows rows: [ValueID]) -> [ValueID: Label]? {
    var search = self
    for id in Array(graph.constants.keys) + graph.inputs { search.labels[id] = .fixed }
    for id in rows {
      guard search.hasRows(id) else { return nil }
      search.labels[id] = .rows
    }
    for node in graph.nodes {
      guard let label = search.label(of: node) else { continue }
      for id in node.outputs.compactMap({ $0 }) {
        if label == .rows, !search.hasRows(id) { continue }
        search.labels[id] = label
      }
    }
    return search.labels
  }

  /// True when the value's first size is the number of rows, and no other may be.
  private func hasRows(_ id: ValueID) -> Bool {
    guard let dimensions = inference[id]?.dimensions else { return false }
    return dimensions.first == batch && !dimensions.dropFirst().contains { $0 == batch || $0 == .unknown }
  }

  /// Returns the certain knowledge about a node's results, or `nil` if there is none.
  private func label(of node: Node) -> Label? {
    let operands = node.operands.compactMap { $0 }
    guard operands.allSatisfy({ labels[$0] != nil }) else {
      // The shape of a value is known however it was computed, but not whether it is the same for each row.
      return nil
    }
    if node.op.is(Conditional.self) { return nil }
    if operands.allSatisfy({ labels[$0] == .fixed }) { return .fixed }
    if isShapeData(node, operands) { return .size }
    let rows = BatchRows(of: node, in: self)
    guard rows.hasResult, node.op.base.keepsRows(rows), keepsRows(after: node, rows) else { return nil }
    return .rows
  }

  /// Returns true if the functions applied to the first result keep rows independent.
  private func keepsRows(after node: Node, _ rows: BatchRows) -> Bool {
    node.postOps.compactMap(\.operand).allSatisfy { rows.broadcasts($0) }
  }

  /// Returns true if the results follow from shapes alone.
  private func isShapeData(_ node: Node, _ operands: [ValueID]) -> Bool {
    let kind = type(of: node.op.base)
    return kind.readsShapesAlone
      || kind.isShapeArithmetic
        && operands.allSatisfy { labels[$0] == .size || labels[$0] == .fixed }
  }
}
