import Tensors

/// The knowledge about one node's operands along the batch axis, for an operator's ``Operator/keepsRows(_:)``.
///
/// A value *has rows* when axis 0 is the batch axis. A value is *fixed* when it is the same whatever the inputs are.
package struct BatchRows {
  private let search: BatchAxis
  private let node: Node
  private let operands: [ValueID?]
  private let result: ValueID?

  init(of node: Node, in search: BatchAxis) {
    self.search = search
    self.node = node
    operands = node.inputs
    result = node.outputs.lazy.compactMap { $0 }.first
  }

  /// True when the number of axes of a result is known.
  var hasResult: Bool { dimensions(of: result) != nil }

  /// The number of axes of the first result that is used.
  package var resultRank: Int { dimensions(of: result)?.count ?? 0 }

  /// The number of results, those included that nobody uses.
  package var resultCount: Int { node.outputs.count }

  /// The size of the batch axis.
  package var batch: Dimension { search.batch }

  // MARK: One operand

  private func operand(_ index: Int) -> ValueID? { operands.indices.contains(index) ? operands[index] : nil }

  private func dimensions(of id: ValueID?) -> [Dimension]? { id.flatMap { search.inference[$0]?.dimensions } }

  package func rank(_ index: Int) -> Int? { dimensions(of: operand(index))?.count }

  /// Returns true if the node has the operand.
  package func has(_ index: Int) -> Bool { operand(index) != nil }

  /// Returns true if axis 0 of the operand is the batch axis.
  package func isRows(_ index: Int) -> Bool { operand(index).map { search.labels[$0] == .rows } ?? false }

  /// Returns true if the operand is left out, or the same whatever the inputs are.
  package func isFixed(_ index: Int) -> Bool { operand(index).map { search.labels[$0] == .fixed } ?? true }

  /// Returns true if the operand means the same for each row of the result, to which it is broadcast.
  package func broadcasts(_ index: Int) -> Bool { broadcasts(operand(index)) }

  func broadcasts(_ id: ValueID?) -> Bool {
    guard let id, let label = search.labels[id], let dimensions = dimensions(of: id) else { return false }
    switch label {
    case .rows: return dimensions.count == resultRank
    case .fixed:
      return dimensions.count < resultRank || dimensions.count == resultRank && dimensions.first == .known(1)
    case .size: return false
    }
  }

  /// Returns true if `axis` of the operand is known not to be axis 0.
  package func isInner(_ axis: Int, of index: Int) -> Bool {
    guard let rank = rank(index) else { return false }
    let axis = axis < 0 ? axis + rank : axis
    return axis > 0 && axis < rank
  }

  /// The known integers of a fixed operand; `nil` for one that is left out.
  package func integers(_ index: Int) -> [Int]? {
    guard let id = operand(index), isFixed(index) else { return nil }
    return search.inference.integers(id) ?? search.graph.tensor(id)?.integers
  }

  /// The known floats of a constant operand.
  package func floats(_ index: Int) -> [Float]? {
    operand(index).flatMap { search.graph.tensor($0)?.floats }
  }

  /// The elements of an integer operand as sizes, as far as known.
  package func sizes(_ index: Int) -> [Dimension]? {
    operand(index).flatMap { search.inference.contents[$0] }
  }

  /// Returns true if a fixed operand names axes of operand 0, and not axis 0.
  package func areInner(axesIn index: Int) -> Bool {
    integers(index)?.allSatisfy { isInner($0, of: 0) } ?? false
  }

  // MARK: Several operands

  private var rest: Swift.Range<Int> { 1..<max(operands.count, 1) }

  /// True when each operand but the first is fixed or left out.
  package var restIsFixed: Bool { rest.allSatisfy { isFixed($0) } }

  /// True when no operand but the first has rows.
  package var restIsNotRows: Bool { rest.allSatisfy { !isRows($0) } }

  /// True when each operand but the first is left out, or means the same for each row of the result.
  package var restBroadcasts: Bool { rest.allSatisfy { !has($0) || broadcasts($0) } }

  /// True when every operand means the same for each row of the result.
  package var allBroadcast: Bool { operands.indices.allSatisfy { broadcasts($0) } }

  /// True when every operand has rows.
  package var allRows: Bool { operands.indices.allSatisfy { isRows($0) } }

  /// True when the result has the elements of operand 0 in the same order, and the same number in each row.
  package var keepsElements: Bool {
    guard let from = dimensions(of: operand(0)), let to = dimensions(of: result), to.first == batch,
      let before = RowElements(from.dropFirst()), let after = RowElements(to.dropFirst())
    else { return false }
    return before == after
  }
}

/// The number of elements of a row.
private struct RowElements: Equatable {
  var known = 1
  var symbols: [String] = []

  /// `nil` when a size is not known, or the product does not fit an `Int`.
  init?(_ dimensions: ArraySlice<Dimension>) {
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
    symbols.sort()
  }
}
