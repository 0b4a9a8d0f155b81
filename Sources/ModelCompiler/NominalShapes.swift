import ModelGraph
import Tensors

/// Sizes that stand in for those that are not known before a request, to choose weight layouts with. A wrong guess costs
/// speed, never correctness: the layout is stored with the weights.
enum NominalShapes {
  /// The types of `graph`'s inputs with every axis known: declared ranges at their largest, a batch of one, images of
  /// 224 × 224.
  /// - Throws: ``CompilationError`` when a declared shape does not fit.
  static func inputs(
    of graph: Graph, declared: [String: [ClosedRange<Int>]]
  ) throws(CompilationError) -> [ValueType] {
    let names = graph.inputs.map { graph[$0].name }
    for name in declared.keys.sorted() where !names.contains(name) {
      throw CompilationError(.unknownInput(model: graph.name, input: name, inputs: names))
    }
    var types: [ValueType] = []
    for id in graph.inputs {
      guard var type = graph[id].type else {
        types.append(ValueType(.float32, nil))
        continue
      }
      if let ranges = declared[graph[id].name] {
        try apply(ranges, to: &type, input: graph[id].name, of: graph)
      }
      if let dimensions = type.dimensions {
        type.dimensions = dimensions.enumerated().map { axis, dimension in
          .known(dimension.size ?? (axis == 0 ? 1 : dimensions.count == 4 ? 224 : 64))
        }
      }
      types.append(type)
    }
    return types
  }

  private static func apply(
    _ ranges: [ClosedRange<Int>], to type: inout ValueType, input: String, of graph: Graph
  ) throws(CompilationError) {
    let fits =
      type.dimensions.map { dimensions in
        dimensions.count == ranges.count
          && zip(dimensions, ranges).allSatisfy { $0.size.map($1.contains) ?? ($1.lowerBound >= 0) }
      } ?? true
    guard fits else {
      throw CompilationError(
        .declaredShape(model: graph.name, input: input, declared: ShapeRanges(ranges), type: type))
    }
    type.dimensions = zip(type.dimensions ?? ranges.map { _ in .unknown }, ranges).map {
      .known($0.size ?? $1.upperBound)
    }
  }
}
