import Device
import ModelGraph
import Tensors

/// The rows of a rest of which each row is computed by itself: those of the results of host nodes whose number data decide.
///
/// Such a rest is planned for a few numbers of rows, and run with more rows than there are. So plans are few however the number
/// varies, and seldom made.
public struct RestRows: Sendable {
  /// The results of host nodes that have rows, by index into all their results.
  let results: [Int]
  /// For each output of the rest, its type with an open number of rows; `nil` for one that does not depend on the rows.
  let outputs: [ValueType?]

  /// - Parameters:
  ///   - rest: the graph of the rest.
  ///   - made: its inputs that host nodes make.
  /// - Returns: `nil` if a number of elements other than that of rows is open, or the rest does not keep rows apart.
  init?(of rest: Graph, made: ArraySlice<ValueID>) {
    var results: [Int] = []
    for (index, id) in made.enumerated() {
      guard let dimensions = rest[id].type?.dimensions else { return nil }
      guard dimensions.contains(where: { $0.size == nil }) else { continue }
      guard dimensions.first?.size == nil, dimensions.dropFirst().allSatisfy({ $0.size != nil }) else {
        return nil
      }
      results.append(index)
    }
    guard !results.isEmpty, let outputs = rest.outputs(withRows: results.map { made[made.startIndex + $0] })
    else {
      return nil
    }
    self.results = results
    self.outputs = outputs
  }

  /// Returns the number of rows of results of these types; `nil` if they have different ones.
  package func count(in types: [KernelRequest.ResultType]) -> Int? {
    let counts = Set(results.map { types[$0].shape.dims.first })
    return counts.count == 1 ? counts.first ?? nil : nil
  }

  /// Returns the types with another number of rows.
  package func types(_ types: [KernelRequest.ResultType], rows: Int) throws -> [KernelRequest.ResultType] {
    var types = types
    for index in results {
      types[index].shape = try Shape(checking: [rows] + types[index].shape.dims.dropFirst())
    }
    return types
  }

  /// Returns the results of host nodes with copies of their last row behind it, up to this number: what holds for one row, an index
  /// that is in range for example, holds for a copy of it.
  package func padded(_ tensors: [Tensor], to rows: Int) throws -> [Tensor] {
    var tensors = tensors
    for index in results { tensors[index] = try tensors[index].repeatingLastRow(to: rows) }
    return tensors
  }

  /// Returns the first rows of the rest's outputs.
  package func cut(_ outputs: [Tensor], of rows: Int, to count: Int) throws -> [Tensor] {
    try zip(outputs, self.outputs).map { output, type in
      type == nil ? output : try output.rows(0..<count, of: rows)
    }
  }

  /// The outputs of a rest of no rows; `nil` if they do not follow from that alone.
  package var outputsOfNoRows: [Tensor]? {
    let made = outputs.compactMap { type -> Tensor? in
      guard let type, let sizes = type.dimensions?.dropFirst().map(\.size), !sizes.contains(nil),
        let shape = try? Shape(checking: [0] + sizes.compactMap { $0 })
      else { return nil }
      return try? Tensor(elementType: type.elementType, shape: shape) { _ in }
    }
    return made.count == outputs.count ? made : nil
  }
}

/// The number of rows that the rest of one plan is planned for.
///
/// A rest whose rows cost little is planned for the most rows that there were so far, rounded up to a power of two: one plan
/// serves all numbers. Where rows cost more than that wastes, a quarter of the number at most is wasted.
package final class RowBound: Sendable {
  private struct State {
    var rows = RowBound.least
    var microsecondsPerRow = 0.0
  }

  private let state = Locked(State())
  /// The time that rows which are not there may take, in microseconds.
  private let allowance: Double

  private static let least = 16

  /// - Parameter microseconds: the time of the plan that comes before the rest.
  package init(after microseconds: Double) { allowance = max(20, microseconds / 50) }

  /// Returns the number of rows to plan for if there are `count`.
  package func rows(for count: Int) -> Int {
    let state = state.withLock { $0 }
    let wide = max(state.rows, RowBound.powerOfTwo(above: count))
    if state.microsecondsPerRow * Double(wide - count) <= allowance { return wide }
    let step = max(RowBound.powerOfTwo(above: count) / 8, 1)
    return count % step == 0 ? count : count + step - count % step
  }

  /// Returns true if a plan for so many rows serves every smaller number too.
  package func isWide(_ rows: Int) -> Bool { rows == RowBound.powerOfTwo(above: rows) }

  /// Notes that a plan for this number of rows takes about this time.
  package func note(rows: Int, microseconds: Double) {
    state.withLock { state in
      state.microsecondsPerRow = microseconds / Double(max(rows, 1))
      if isWide(rows) { state.rows = max(state.rows, rows) }
    }
  }

  private static func powerOfTwo(above count: Int) -> Int {
    var power = least
    while power < count, power < 1 << 60 { power *= 2 }
    return power
  }
}
