import Device
import GraphPasses
import ModelGraph
import ModelStore
import Tensors

/// Turns a graph into a compiled model: optimises it, asks the device how it would like each weight, and lists the weights
/// in execution order.
public struct ModelCompiler: Sendable {
  let device: any Device
  private let budget: Int

  /// - Parameter budget: the bytes that a run has to fit in. Where one node takes more at the sizes that layouts are chosen
  ///   for, the device is not asked, and its weights stay plain.
  public init(device: any Device, budget: Int = .max) {
    self.device = device
    self.budget = budget
  }

  /// Compiles `graph`.
  /// - Throws: ``CompilationError`` when declared shapes do not fit; ``GraphError``; what the device throws.
  public func compile(
    _ graph: Graph, options: CompilationOptions = CompilationOptions(), progress: ((String) -> Void)? = nil
  ) throws -> PackedModel {
    var graph = graph
    guard !graph.outputs.isEmpty else { throw CompilationError(.noOutputs(model: graph.name)) }
    let nominal = try NominalShapes.inputs(of: graph, declared: options.shapes)
    var report: PassReport?
    var smallWeights: SmallWeightsReport?
    let stored = StoredHalves(of: graph)
    if options.optimising {
      report = try PassPipeline.optimise(
        &graph, evaluator: DeviceEvaluator(device), verifying: options.verifying, progress: progress)
      progress?("reducing weights")
      if options.weights != .float32 {
        smallWeights = try graph.reduceWeights(to: options.weights)
      } else if let stored {
        // Halves take no more memory than in the file, though they are computed as floats.
        smallWeights = try graph.reduceWeights(to: stored.form, exactly: !stored.areAll)
      }
    } else {
      _ = try Pass.halvesAsFloats.runEverywhere(&graph, nil)
    }
    if options.verifying { try graph.verify() }
    graph.compact()
    try checkKernels(for: graph)
    progress?("choosing layouts")
    // Nominal sizes may contradict the model (an image of a fixed height, say): then only what is declared is used.
    let inference = try (try? graph.inferTypes(inputs: nominal)) ?? graph.inferTypes()
    var scanner = WeightUseScanner(device: device, model: graph.name, budget: budget)
    try scanner.scan(graph, inference, isWeight: ModelCompiler.isWeight)
    return PackedModel(graph: graph, uses: scanner.uses, report: report, smallWeights: smallWeights)
  }

  /// Constants that go to the file. The others, scalars and shapes, stay in the graph, where planning can read them.
  static func isWeight(_ tensor: Tensor) -> Bool {
    if tensor.elementType.isFloatingPoint { return tensor.byteCount > 64 }
    return tensor.shape.elementCount > 1024
  }
}
