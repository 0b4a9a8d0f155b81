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
