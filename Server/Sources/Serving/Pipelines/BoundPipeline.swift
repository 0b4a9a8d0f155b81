import InferenceProtocol
import Linker
import ModelGraph
import Scheduler
import Tensors

/// A pipeline's definition put together with the models that it names, and checked.
struct BoundPipeline: Sendable {
  var pipeline: Pipeline
  var inputs: [TensorMetadata]
  var outputs: [TensorMetadata]
  /// The models of the definition's stages, in the file's order.
  var models: [LinkableModel]

  /// - Parameters:
  ///   - version: the definition's own.
  ///   - models: the model of each stage, in the definition's order.
  /// - Throws: ``PipelineDefinitionError`` with the stage's name.
  init(_ definition: PipelineDefinition, version: Int, models: [LinkableModel]) throws {
    let checker = try PipelineChecker(definition, models)
    let order = try checker.order()
    let stages = try order.map { try checker.stage($0, order) }
    let outputs = try definition.outputs.map { output in
      Pipeline.Output(
        name: output.name,
        wire: try checker.wire(output.connection, order, at: "output '\(shown(output.name))'"))
    }
    pipeline = try Pipeline(
      name: definition.name, version: version, stages: stages, outputs: outputs)
    inputs = try checker.inputs()
    self.outputs = try definition.outputs.map { output in
      let type = try checker.type(of: output.connection, at: "output '\(shown(output.name))'")
      return TensorMetadata(
        name: output.name, datatype: type.datatype?.rawValue ?? "", shape: type.sizes ?? [-1])
    }
    self.models = models
  }
}

/// The known type of a tensor before it exists. Open sizes are -1.
struct ConnectionType: Hashable {
  var datatype: DataType?
  var sizes: [Int]?
}

/// Checks that a definition's names are there, that nothing goes in circles, and that types can match.
struct PipelineChecker {
  private let definition: PipelineDefinition
  private let models: [LinkableModel]
  private let stageNumbers: [String: Int]
  private let inputNumbers: [String: Int]

  init(_ definition: PipelineDefinition, _ models: [LinkableModel]) throws(PipelineDefinitionError) {
    self.definition = definition
    self.models = models
    stageNumbers = try PipelineChecker.numbers(of: definition.stages.map(\.name), "stage")
    inputNumbers = try PipelineChecker.numbers(of: definition.inputs.map(\.name), "input")
    _ = try PipelineChecker.numbers(of: definition.outputs.map(\.name), "output")
    guard !definition.outputs.isEmpty else { throw PipelineDefinitionError("it has no outputs") }
    for input in definition.inputs where input.name.contains(".") && stage(of: input.name) != nil {
      throw PipelineDefinitionError(
        "input '\(shown(input.name))'", line: nil,
        "the name could be an output of stage '\(input.name.prefix { $0 != "." })'")
    }
  }

  private static func numbers(
    of names: [String], _ word: String
  ) throws(PipelineDefinitionError) -> [String: Int] {
    var result: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      guard !name.isEmpty, result.updateValue(index, forKey: name) == nil else {
        throw PipelineDefinitionError(
          "\(word) '\(shown(name))'", line: nil, "the name is empty, or there twice")
      }
    }
    return result
  }

  private func stage(of reference: String) -> Int? { stageNumbers[String(reference.prefix { $0 != "." })] }

  // MARK: Order

  /// The stages, each after those whose outputs it takes; otherwise as in the file.
  func order() throws(PipelineDefinitionError) -> [Int] {
    let sources = definition.stages.map { stage in
      Set(
        stage.inputs.compactMap { input -> Int? in
          guard case .named(let name) = input.connection.source, inputNumbers[name] == nil else { return nil }
          return self.stage(of: name)
        })
    }
    var order: [Int] = []
    var placed = Set<Int>()
    while order.count < sources.count {
      guard
        let next = sources.indices.first(where: { !placed.contains($0) && sources[$0].isSubset(of: placed) })
      else { break }
      order.append(next)
      placed.insert(next)
    }
    guard order.count == sources.count else { throw circle(sources, placed) }
    return order
  }

  private func circle(_ sources: [Set<Int>], _ placed: Set<Int>) -> PipelineDefinitionError {
    // From any that could not be placed, back along one that could not be either, until one comes again.
    var path: [Int] = []
    var stage = sources.indices.first { !placed.contains($0) } ?? 0
    while !path.contains(stage) {
      path.append(stage)
      stage = sources[stage].subtracting(placed).min() ?? stage
    }
    let names = (path.drop { $0 != stage } + [stage]).reversed().map { definition.stages[$0].name }
    return PipelineDefinitionError(
      "stage '\(definition.stages[stage].name)'", line: definition.stages[stage].line,
      "its stages form a cycle: \(names.joined(separator: " → "))")
  }

  // MARK: Stages

  func stage(_ index: Int, _ order: [Int]) throws(PipelineDefinitionError) -> Pipeline.Stage {
    let stage = definition.stages[index]
    let model = models[index]
    let place = "stage '\(stage.name)'"
    let declared = model.graph.inputs.map { model.graph[$0].name }
    if let unknown = stage.inputs.first(where: { !declared.contains($0.name) }) {
      throw PipelineDefinitionError(
        place, line: unknown.connection.line,
        "model '\(model.name)' has no input '\(shown(unknown.name))'; its inputs are \(InferenceService.list(declared))"
      )
    }
    var wires: [Wire] = []
    for id in model.graph.inputs {
      let name = model.graph[id].name
      guard let connection = stage.inputs.first(where: { $0.name == name })?.connection else {
        throw PipelineDefinitionError(
          place, line: stage.line, "input '\(name)' of model '\(model.name)' has no source")
      }
      let inner = "\(place), input '\(name)'"
      try checkIsTensor(model.graph[id].type?.elementType, line: connection.line, at: inner)
      let wire = try wire(connection, order, at: inner)
      if let expected = model.graph[id].type {
        try check(try type(of: connection, at: inner), expected, line: connection.line, at: inner)
      }
      wires.append(wire)
    }
    return Pipeline.Stage(name: stage.name, model: model, inputs: wires)
  }

  /// Connections have tensors only.
  private func checkIsTensor(
    _ elementType: ElementType?, line: Int, at place: String
  ) throws(PipelineDefinitionError) {
    guard elementType == .sequence else { return }
    throw PipelineDefinitionError(
      place, line: line,
      "it is a sequence or an optional whose length is known only at run time, which pipelines do not connect"
    )
  }

  private func check(
    _ found: ConnectionType, _ expected: ValueType, line: Int, at place: String
  ) throws(PipelineDefinitionError) {
    if let wanted = DataType(expected.elementType), let datatype = found.datatype, datatype != wanted {
      throw PipelineDefinitionError(
        place, line: line,
        "it expects \(wanted.rawValue) but gets \(datatype.rawValue); 'cast: \(wanted.rawValue)' converts it"
      )
    }
    guard let dimensions = expected.dimensions, let sizes = found.sizes else { return }
    let fits =
      dimensions.count == sizes.count
      && zip(dimensions, sizes).allSatisfy { $0.size == nil || $1 == -1 || $0.size == $1 }
    guard fits else {
      throw PipelineDefinitionError(
        place, line: line,
        "it expects sizes \(dimensions.map { $0.size ?? -1 }) but gets \(sizes); 'reshape' can convert them"
      )
    }
  }

  // MARK: Connections

  /// - Parameter order: the stages' places in the pipeline.
  func wire(
    _ connection: PipelineDefinition.Connection, _ order: [Int], at place: String
  ) throws(PipelineDefinitionError) -> Wire {
    let source: Wire.Source
    switch try resolve(connection, at: place) {
    case .input(let index): source = .input(index)
    case .constant(let tensor): source = .constant(tensor)
    case .output(let stage, let output):
      source = .result(stage: order.firstIndex(of: stage) ?? 0, output: output)
    }
    return Wire(source, cast: connection.cast?.elementType, sizes: connection.sizes)
  }

  private enum Resolved { case input(Int), constant(Tensor), output(stage: Int, output: Int) }

  private func resolve(
    _ connection: PipelineDefinition.Connection, at place: String
  ) throws(PipelineDefinitionError) -> Resolved {
    guard case .named(let name) = connection.source else {
      guard case .constant(let tensor) = connection.source else { return .input(0) }
      return .constant(tensor)
    }
    if let input = inputNumbers[name] { return .input(input) }
    guard let stage = stage(of: name), name.contains(".") else {
      throw PipelineDefinitionError(
        place, line: connection.line,
        "'\(shown(name))' is neither an input of the pipeline (\(InferenceService.list(definition.inputs.map(\.name))))"
          + " nor STAGE.OUTPUT of a stage (\(InferenceService.list(definition.stages.map(\.name))))")
    }
    let output = String(name.drop { $0 != "." }.dropFirst())
    let graph = models[stage].graph
    guard let index = graph.outputs.firstIndex(where: { graph[$0].name == output }) else {
      throw PipelineDefinitionError(
        place, line: connection.line,
        "stage '\(definition.stages[stage].name)' (model '\(models[stage].name)') has no output '\(shown(output))'; "
          + "it has \(InferenceService.list(graph.outputs.map { graph[$0].name }))")
    }
    let declared = models[stage].file.metadata.outputs.first { $0.name == output }
    try checkIsTensor(declared?.elementType, line: connection.line, at: "\(place), source '\(shown(name))'")
    return .output(stage: stage, output: index)
  }

  // MARK: Types

  func inputs() throws(PipelineDefinitionError) -> [TensorMetadata] {
    var result: [TensorMetadata] = []
    for (index, input) in definition.inputs.enumerated() {
      let type = inputType(index)
      guard let datatype = type.datatype, let sizes = type.sizes else {
        throw PipelineDefinitionError(
          "input '\(shown(input.name))'", line: nil,
          "no stage uses it unchanged, so it needs 'datatype' and 'shape'")
      }
      result.append(TensorMetadata(name: input.name, datatype: datatype.rawValue, shape: sizes))
    }
    return result
  }

  /// As declared; else as the first model that takes it as it is wants it.
  private func inputType(_ index: Int) -> ConnectionType {
    let input = definition.inputs[index]
    var type = ConnectionType(datatype: input.datatype, sizes: input.shape)
    for (stage, model) in zip(definition.stages, models) {
      for (name, connection) in stage.inputs {
        guard case .named(input.name) = connection.source,
          let wanted = model.graph.inputs.first(where: { model.graph[$0].name == name }),
          let expected = model.graph[wanted].type
        else { continue }
        if type.datatype == nil, connection.cast == nil { type.datatype = DataType(expected.elementType) }
        if type.sizes == nil, connection.sizes == nil {
          let stored = model.file.metadata.inputs.first { $0.name == name }
          type.sizes = expected.dimensions.map { dimensions in
            stored?.message(allowed: model.declaredShapes[name]).shape ?? dimensions.map { $0.size ?? -1 }
          }
        }
      }
    }
    return type
  }

  /// Returns the type that comes out of a connection.
  func type(
    of connection: PipelineDefinition.Connection, at place: String
  ) throws(PipelineDefinitionError) -> ConnectionType {
    var type: ConnectionType
    switch try resolve(connection, at: place) {
    case .input(let index): type = inputType(index)
    case .constant(let tensor):
      type = ConnectionType(datatype: DataType(tensor.elementType), sizes: tensor.shape.dims)
    case .output(let stage, let output):
      let metadata = models[stage].file.metadata.outputs
      type = ConnectionType(datatype: nil, sizes: nil)
      if metadata.indices.contains(output) {
        type.datatype = metadata[output].elementType.flatMap { DataType($0) }
        type.sizes = metadata[output].dimensions == nil ? nil : metadata[output].message().shape
      }
    }
    if let cast = connection.cast { type.datatype = cast }
    if let sizes = connection.sizes {
      let before = type.sizes
      if let before, !before.contains(-1), let shape = try? Shape(checking: before) {
        do { type.sizes = try Wire(.input(0), sizes: sizes).shape(of: shape).dims } catch {
          throw PipelineDefinitionError(place, line: connection.line, "\(error)")
        }
      } else {
        type.sizes = sizes.enumerated().map { axis, size in
          guard size == 0, let before else { return size == 0 ? -1 : size }
          return before.indices.contains(axis) ? before[axis] : -1
        }
      }
    }
    return type
  }
}
