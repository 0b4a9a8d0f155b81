import Device
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import Tensors

/// The memory that one run of a model takes at its largest declared input sizes.
public struct ModelNeed: Sendable, Hashable {
  /// Bytes of weights, activations and request tensors together: the least budget that the model runs under.
  public var reservedBytes: Int
  /// Bytes of activations.
  public var arenaBytes: Int
}

extension Engine {
  /// Compiles the ONNX model at `path` and registers it as a version of `name`, if it fits the budget.
  /// - Parameter place: the version's number; the next one when it is left out.
  /// - Parameter notes: what ``ModelStore/options(_:version:)`` gives back of the version, beside what was declared.
  /// - Parameter check: called with what the compiled model says about itself; what it throws keeps the model from being
  ///   registered.
  /// - Parameter progress: called with the stage that begins.
  /// - Throws: when the model cannot be read, compiled, planned for its largest declared shapes or stored, or takes more
  ///   than the budget for them; nothing is registered then.
  public func add(
    _ path: String, name: String, as place: ModelStore.Place = .next, options: CompilationOptions,
    notes: [String: String] = [:], check: (ModelMetadata) throws -> Void = { _ in },
    progress: ((String) -> Void)? = nil
  ) throws -> AddedModel {
    try models.add(path, name: name, as: place, options: options, notes: notes, progress: progress) { file in
      try check(file.metadata)
      return try admit(file)
    }
  }

  /// Returns the memory that a run of `file` takes at its largest declared shapes, or `nil` if a size is left
  /// open and was not declared.
  /// - Throws: any planning error.
  public func need(of file: CompiledModel) throws -> ModelNeed? {
    try largestPlan(of: try LinkableModel(file), budget: .max).map { need(of: $0) }
  }

  private func need(of plan: Plan) -> ModelNeed {
    let memory = plan.memberMemory
    return ModelNeed(
      reservedBytes: plan.reservedBytes(with: memory), arenaBytes: memory.arenaBytes)
  }

  /// Returns the need of `file`, as ``need(of:)`` does.
  /// - Throws: ``LinkError`` if the need, or the weights alone, exceed the budget.
  private func admit(_ file: CompiledModel) throws -> ModelNeed? {
    // An account of its own: models that are open keep none from being added.
    let model = try LinkableModel(file, ledger: MemoryLedger(capacity: configuration.modelCacheBytes))
    guard let plan = try largestPlan(of: model, budget: configuration.budget) else {
      guard file.extentBytes <= configuration.budget else {
        throw LinkError.tooLarge(model: model.name, needed: file.extentBytes, budget: configuration.budget)
      }
      return nil
    }
    _ = try FusedProgram.link([plan], lanes: 1, budget: configuration.budget)
    return need(of: plan)
  }

  private func largestPlan(of model: LinkableModel, budget: Int) throws -> Plan? {
    guard let inputs = try largestInputs(of: model) else { return nil }
    // A planner of its own: this plan would keep the file open for as long as it is cached.
    return try Planner(
      device: device, threads: configuration.kernelThreads, capacity: configuration.planCacheBytes,
      budget: budget
    )
    .plan(model, inputs: inputs)
  }

  private func largestInputs(of model: LinkableModel) throws -> [(ElementType, Shape)]? {
    var inputs: [(ElementType, Shape)] = []
    for id in model.graph.inputs {
      guard let type = model.graph[id].type, let dimensions = type.dimensions else { return nil }
      let declared = model.declaredShapes[model.graph[id].name]?.ranges
      var sizes: [Int] = []
      for (axis, dimension) in dimensions.enumerated() {
        let range = declared.flatMap { $0.indices.contains(axis) ? $0[axis] : nil }
        guard let size = dimension.size ?? range?.upperBound else { return nil }
        sizes.append(size)
      }
      inputs.append((type.elementType, try Shape(checking: sizes)))
    }
    return inputs
  }
}
