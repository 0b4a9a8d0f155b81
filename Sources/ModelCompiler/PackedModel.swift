import Device
import GraphPasses
import ModelGraph
import ModelStore
import Tensors

/// A compiled model before it is written: the graph with weights by index, and the weights in execution order, each with
/// the layout that it will be packed in.
public struct PackedModel: Sendable {
  /// One weight; packed when it is written, so that one is in memory at a time.
  public struct Weight: Sendable {
    public var name: String
    public var tensor: Tensor
    public var layout: Layout
  }

  public private(set) var graph: Graph
  public private(set) var weights: [Weight] = []
  /// The report of the passes; `nil` if they did not run.
  public let report: PassReport?
  /// The report about weights in another form; `nil` if none was asked for.
  public let smallWeights: SmallWeightsReport?

  init(graph: Graph, uses: [WeightUse], report: PassReport?, smallWeights: SmallWeightsReport? = nil) {
    self.graph = graph
    self.report = report
    self.smallWeights = smallWeights
    var indices: [ValueID: [Layout: Int]] = [:]
    for use in uses {
      guard let tensor = graph.tensor(use.constant) else { continue }
      let layout = use.layout ?? .plain
      if indices[use.constant]?[layout] != nil { continue }
      // A constant that is read in several layouts is stored in each, unless a branch reads it: that reorders instead.
      if indices[use.constant] != nil && use.isNested { continue }
      indices[use.constant, default: [:]][layout] = weights.count
      weights.append(Weight(name: graph[use.constant].name, tensor: tensor, layout: layout))
      let reference = Constant.weight(
        index: weights.count - 1, elementType: tensor.elementType, shape: tensor.shape)
      if indices[use.constant]?.count == 1 {
        self.graph.constants[use.constant] = reference
      } else {
        let copy = self.graph.addValue(
          "\(graph[use.constant].name) (\(weights.count - 1))", type: graph[use.constant].type)
        self.graph.constants[copy] = reference
        rebind(
          use.constant, to: copy, in: uses.filter { $0.constant == use.constant && $0.layout == use.layout })
      }
    }
    for id in graph.outputs {
      guard let tensor = self.graph.tensor(id), ModelCompiler.isWeight(tensor) else { continue }
      weights.append(Weight(name: graph[id].name, tensor: tensor, layout: .plain))
      self.graph.constants[id] = .weight(
        index: weights.count - 1, elementType: tensor.elementType, shape: tensor.shape)
    }
  }

  private mutating func rebind(_ constant: ValueID, to copy: ValueID, in uses: [WeightUse]) {
    for use in uses where !use.isNested {
      graph.nodes[use.node].mapOperands { id, index in index == use.operand && id == constant ? copy : id }
    }
  }

  /// Bytes of the weights before packing.
  public var weightBytes: Int { weights.reduce(0) { $0 + $1.tensor.byteCount } }
}
