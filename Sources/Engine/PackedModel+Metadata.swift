import Device
import Foundation
import ModelCompiler
import ModelGraph
import ModelStore
import ONNXFormat
import Tensors

extension PackedModel {
  /// Returns the description stored with the compiled model.
  func metadata(
    of imported: ImportedModel, name: String, target: Target, sourceHash: ContentHash,
    options: CompilationOptions
  ) throws -> ModelMetadata {
    // Output types declared in the file are ignored: they follow from the operators, and files often state
    // them wrongly.
    let inference = try imported.graph.inferTypes()
    let asked = imported.graph.valuesAskedForPresence
    func declarations(
      _ ids: [ValueID], _ mapKeys: [String: ClassLabels] = [:]
    ) -> [ModelMetadata.TensorDeclaration] {
      ids.map { id in
        let type = inference[id]
        return ModelMetadata.TensorDeclaration(
          name: imported.graph[id].name, elementType: type?.elementType,
          dimensions: type?.dimensions?.map(DeclaredSize.init),
          contents: type?.contents.map {
            ModelMetadata.Contents($0, mayBeAbsent: $0.isOptional || asked.contains(id))
          }, mapKeys: mapKeys[imported.graph[id].name].flatMap(ModelMetadata.MapKeys.init))
      }
    }
    var statistics = ["weights": weights.count, "weight_bytes": weightBytes]
    if let report {
      statistics["nodes_before"] = report.nodesBefore
      statistics["nodes_after"] = report.nodesAfter
      statistics["folded"] = report.folded
      statistics["fused"] = report.fused
    }
    if let smallWeights {
      statistics["small_weights"] = smallWeights.reduced
      statistics["small_weight_bytes"] = smallWeights.bytesAfter
      statistics["small_weight_bytes_before"] = smallWeights.bytesBefore
    }
    return ModelMetadata(
      name: name, target: target.description, opset: imported.opset, producer: imported.producer,
      sourceHash: sourceHash, sourcePath: imported.sourceFiles.first ?? "",
      inputs: declarations(imported.graph.inputs),
      outputs: declarations(imported.graph.outputs, imported.mapKeys),
      declaredShapes: options.shapes.mapValues { ShapeRanges($0).description },
      weights: options.weights == .float32 ? nil : options.weights.rawValue,
      notes: smallWeights.map(\.notes) ?? [], statistics: statistics)
  }
}

extension DeclaredSize {
  fileprivate init(_ dimension: ModelGraph.Dimension) {
    self =
      switch dimension {
      case .known(let size): .number(size)
      case .symbol(let name): .name(name)
      case .unknown: .name("?")
      }
  }
}

extension ModelMetadata.Contents {
  fileprivate init(_ contents: SequenceContents, mayBeAbsent: Bool) {
    self.init(
      elementType: contents.elementType, dimensions: contents.dimensions?.map(DeclaredSize.init),
      isOptional: contents.isOptional, mayBeAbsent: mayBeAbsent)
  }
}

extension ModelMetadata.MapKeys {
  /// `nil` for keys that are not UTF-8.
  fileprivate init?(_ labels: ClassLabels) {
    switch labels {
    case .integers(let keys): self = .integers(keys.map { Int64($0) })
    case .texts(let keys):
      let strings = keys.compactMap { String(validating: $0, as: UTF8.self) }
      guard strings.count == keys.count else { return nil }
      self = .strings(strings)
    }
  }
}

extension Graph {
  /// The sequences and optionals of which nodes find out whether they are there.
  fileprivate var valuesAskedForPresence: Set<ValueID> {
    Set(nodes.filter { $0.op.as(OptionalPresence.self) != nil }.flatMap { $0.inputs.compactMap { $0 } })
  }
}
