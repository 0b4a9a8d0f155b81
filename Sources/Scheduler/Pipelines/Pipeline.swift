import Linker
import Tensors

/// Models that are wired together: outputs of some are inputs of others. It is run as one DAG, and asked like one model.
public struct Pipeline: Sendable {
  /// One model in it.
  public struct Stage: Sendable {
    /// Unique in the pipeline.
    public var name: String
    public var model: LinkableModel
    /// In the order of the model's inputs.
    public var inputs: [Wire]

    public init(name: String, model: LinkableModel, inputs: [Wire]) {
      self.name = name
      self.model = model
      self.inputs = inputs
    }
  }

  /// An output of the pipeline.
  public struct Output: Sendable {
    public var name: String
    public var wire: Wire

    public init(name: String, wire: Wire) {
      self.name = name
      self.wire = wire
    }
  }

  public var name: String
  public var version: Int
  /// Each comes after those whose outputs it takes.
  public let stages: [Stage]
  public let outputs: [Output]
  /// For each stage, those whose outputs it takes.
  let sources: [[Int]]

  /// - Throws: ``PipelineError`` when a stage comes before one whose output it takes, or takes one that is not there.
  public init(name: String, version: Int, stages: [Stage], outputs: [Output]) throws(PipelineError) {
    self.name = name
    self.version = version
    self.stages = stages
    self.outputs = outputs
    for (index, stage) in stages.enumerated() {
      for wire in stage.inputs where !wire.isInside(stages[..<index]) {
        throw PipelineError(.notInOrder(pipeline: name, stage: stage.name))
      }
    }
    for output in outputs where !output.wire.isInside(stages[...]) {
      throw PipelineError(.notInOrder(pipeline: name, stage: output.name))
    }
    sources = stages.map { stage in Set(stage.inputs.compactMap(\.stage)).sorted() }
  }

  /// The stages that outputs follow from, by index.
  func stages(for outputs: [Int]) -> Set<Int> {
    var needed = Set<Int>()
    var open = outputs.compactMap { self.outputs[$0].wire.stage }
    while let stage = open.popLast() {
      if needed.insert(stage).inserted { open += sources[stage] }
    }
    return needed
  }
}

/// The source of a tensor in a pipeline, and the conversion applied on the way.
public struct Wire: Sendable {
  public enum Source: Sendable {
    /// One of the pipeline's inputs.
    case input(Int)
    case constant(Tensor)
    /// An output of a stage's model.
    case result(stage: Int, output: Int)
  }

  public var source: Source
  /// ONNX `Cast` to this type.
  public var cast: ElementType?
  /// ONNX `Reshape` to these sizes: one may be -1, which follows from the others; 0 keeps the size at its place.
  public var sizes: [Int]?

  public init(_ source: Source, cast: ElementType? = nil, sizes: [Int]? = nil) {
    self.source = source
    self.cast = cast
    self.sizes = sizes
  }

  /// The stage that it comes from.
  var stage: Int? { if case .result(let stage, _) = source { stage } else { nil } }

  fileprivate func isInside(_ stages: ArraySlice<Pipeline.Stage>) -> Bool {
    guard case .result(let stage, let output) = source else { return true }
    return stages.indices.contains(stage) && stages[stage].model.graph.outputs.indices.contains(output)
  }

  /// The shape that a tensor of `shape` has at the wire's end.
  /// - Throws: ``PipelineError`` when the sizes do not fit it.
  public func shape(of shape: Shape) throws(PipelineError) -> Shape {
    guard let sizes else { return shape }
    let result = try? reshaped(shape, to: sizes)
    guard let result, result.elementCount == shape.elementCount else {
      throw PipelineError(.sizes(sizes, of: shape))
    }
    return result
  }

  private func reshaped(_ shape: Shape, to sizes: [Int]) throws -> Shape? {
    var dims = sizes
    for (axis, size) in sizes.enumerated() where size == 0 {
      guard let kept = shape[axis: axis] else { return nil }
      dims[axis] = kept
    }
    guard let open = dims.firstIndex(of: -1) else { return try Shape(checking: dims) }
    dims[open] = 1
    let rest = try Shape(checking: dims).elementCount
    if rest == 0 { return nil }
    dims[open] = shape.elementCount / rest
    return try Shape(checking: dims)
  }
}
