import Engine
import Linker
import ModelCompiler
import ONNXFormat
import Tensors

/// A case that is compiled and open, with the tensors of its inputs.
struct OpenCase: Sendable {
  let item: ConformanceCase
  let model: LinkableModel
  let inputs: [Tensor]

  /// Compiles and opens the case's model.
  /// - Parameter stage: the stage that begins; after an error, the one that threw.
  init(_ item: ConformanceCase, on engine: Engine, isOptimised: Bool, stage: inout Stage) throws {
    self.item = item
    var options = CompilationOptions(verifying: true)
    options.optimising = isOptimised
    let name = isOptimised ? "optimised" : "unoptimised"
    var step = Step()
    do {
      _ = try engine.add(item.model, name: name, options: options, progress: { step.begin($0) })
    } catch {
      stage =
        switch error {
        case is ONNXError: .importing
        case is CompilationError: .compile
        default: step.stage
        }
      throw error
    }
    stage = .compile
    let model = try engine.models.open(name)
    self.model = model
    stage = .inputs
    inputs = try OpenCase.tensors(item, for: model)
  }

  /// Returns the tensors in the order of the imported graph's inputs.
  private static func tensors(_ item: ConformanceCase, for model: LinkableModel) throws -> [Tensor] {
    let declared = model.graph.inputs.map { model.graph[$0] }
    let names = declared.map(\.name)
    for input in item.inputs where !names.contains(input.name) {
      throw UnsupportedValue(
        description: "a value is given for '\(input.name)', which is no input of the graph")
    }
    return try declared.map { declared in
      let name = declared.name
      guard let input = item.inputs.first(where: { $0.name == name }) else {
        throw UnsupportedValue(description: "no value is given for input '\(name)'")
      }
      do { return try input.value.tensor(for: declared.type) } catch let error as UnsupportedValue {
        throw UnsupportedValue(description: "input '\(name)' is \(error)")
      }
    }
  }

  func plan(with planner: Planner) throws -> Plan {
    try planner.plan(model, inputs: inputs.map { ($0.elementType, $0.shape) })
  }

  /// The step that ``Engine/add(_:name:as:options:notes:check:progress:)`` reports.
  private struct Step {
    private(set) var stage = Stage.importing

    mutating func begin(_ name: String) {
      stage =
        switch name {
        case "reading", "choosing layouts", "packing weights", "storing": .compile
        case "planning": .plan
        default: .passes
        }
    }
  }
}
