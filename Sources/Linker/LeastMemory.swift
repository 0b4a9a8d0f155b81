import Device
import GraphPasses
import ModelGraph
import Tensors

/// The least that a member of a plan reserves, known from shapes alone: before any kernel is asked for.
///
/// A lower bound, so that nothing is refused that would run: the weights that are read, the tensors of the request, and
/// the operands and results of the node that has the most of them. Layouts, scratch memory and what lives longer come
/// on top when the plan is there. Sums saturate at `Int.max`.
struct LeastMemory {
  private let graph: Graph
  private let inference: Inference

  init(_ specialised: SpecialisedGraph) {
    graph = specialised.graph
    inference = specialised.inference
  }

  /// - Throws: ``LinkError`` when that is more than `budget`.
  static func check(
    _ specialised: SpecialisedGraph, _ split: GraphSplit, of model: LinkableModel, budget: Int
  ) throws(LinkError) {
    let needed = LeastMemory(specialised).bytes(of: split, in: model)
    guard needed <= budget else {
      throw .tooLarge(model: model.name, needed: needed, isLeast: true, budget: budget)
    }
  }

  private func bytes(of split: GraphSplit, in model: LinkableModel) -> Int {
    let ports = split.inputs + split.outputs + split.carried
    let request = pages(ports.reduce(0) { sum($0, bytes(of: $1)) })
    let arena = pages(split.nodes.reduce(0) { max($0, bytes(of: graph.nodes[$1])) })
    return sum(sum(request, arena), weights(of: split, in: model))
  }

  /// Operands and results that are in memory while the node runs. Results may lie in the bytes of operands and operands in
  /// those of results, but where a kernel always writes somewhere else.
  private func bytes(of node: Node) -> Int {
    let operands = Set(node.inputs.compactMap { $0 }).filter { graph.constants[$0] == nil }
      .reduce(0) { sum($0, bytes(of: $1)) }
    let results = node.outputs.reduce(0) { sum($0, $1.map { bytes(of: $0) } ?? 0) }
    switch node.op {
    case .convolution, .deconvolution, .matrixMultiply:
      return node.postOps.isEmpty ? sum(operands, results) : max(operands, results)
    default: return max(operands, results)
    }
  }

  private func weights(of split: GraphSplit, in model: LinkableModel) -> Int {
    let extents = model.file.extents
    var read = Set<Int>()
    if split.continuation != nil {
      read = Set(extents.indices)
    } else {
      for case let id? in split.nodes.flatMap({ graph.nodes[$0].inputs }) {
        if case .weight(let index, _, _)? = graph.constants[id], model.file.weights.indices.contains(index) {
          read.insert(model.file.weights[index].extent)
        }
      }
    }
    return read.reduce(0) { sum($0, extents[$1].byteCount) }
  }

  private func bytes(of id: ValueID) -> Int {
    guard let type = inference[id], let shape = type.shape else { return 0 }
    return type.elementType.byteCount(of: shape.elementCount) ?? .max
  }

  private func sum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
  }

  private func pages(_ byteCount: Int) -> Int {
    byteCount > .max - pageSize ? .max : roundedToPages(byteCount)
  }
}
