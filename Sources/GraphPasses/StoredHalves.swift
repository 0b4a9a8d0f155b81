import ModelGraph
import Tensors

/// Large weights of a model's file that are halves.
public struct StoredHalves: Sendable, Equatable {
  /// The form that they have.
  public var form: WeightForm
  /// False if the file has large weights of another real type too.
  public var areAll: Bool

  /// - Returns: `nil` if the graph has none, or some of both types.
  public init?(of graph: Graph) {
    var types: Set<ElementType> = []
    for constant in graph.constants.values {
      guard let tensor = constant.tensor, tensor.elementType.isFloatingPoint,
        tensor.shape.elementCount >= SmallWeightsLimits.least / MemoryLayout<Float>.size
      else { continue }
      types.insert(tensor.elementType)
    }
    let forms = [WeightForm.float16, .bfloat16].filter { types.contains($0.elementType) }
    guard forms.count == 1 else { return nil }
    form = forms[0]
    areAll = types.count == 1
  }
}
