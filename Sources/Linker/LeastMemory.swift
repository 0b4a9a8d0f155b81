import Device
import GraphPasses
import ModelGraph
import Tensors

/// The least that a member of a plan reserves, known from shapes alone: before any kernel is asked for.
///
/// A lower bound, so that nothing is refused that would run: the weights that are read, the tensors of the request, and
/// the operands and results of the node that has the most of them. A view takes no bytes beside what it is a view of, and
/// values that a concatenation, split or slice connects may share theirs: the largest of them counts. Layouts, scratch
/// memory and what lives longer come on top when the plan is there. Sums saturate at `Int.max`.
struct LeastMemory {
  private let graph: Graph
  private let inference: Inference
  /// For each view, the value whose bytes it has.
  private var viewed: [ValueID: ValueID] = [:]
  /// For each value that may lie in the same bytes as others, one that stands for all of these, or leads there.
  private var shared: [ValueID: ValueID] = [:]
  /// For each value that stands for others, how many it stands for.
  private var counts: [ValueID: Int] = [:]

  init(_ specialised: SpecialisedGraph) {
    graph = specialised.graph
    inference = specialised.inference
    for node in graph.nodes {
      guard let first = node.inputs.first ?? nil else { continue }
      if node.isView {
        if let result = node.outputs.first ?? nil { viewed[result] = source(of: first) }
      } else if node.mayShareBytes {
        for case let id? in node.inputs + node.outputs { join(id, with: first) }
      }
    }
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
    let request = roundedToPages(ports.map { bytes(of: $0) }.saturatingSum)
    let arena = roundedToPages(split.nodes.map { arenaBytes(of: graph.nodes[$0]) }.max() ?? 0)
    return request.adding(saturating: arena).adding(saturating: weights(of: split, in: model))
  }

  /// Operands and results that are in the arena while the node runs. Results may lie in the bytes of operands and operands
  /// in those of results, but where a kernel always writes somewhere else.
  private func arenaBytes(of node: Node) -> Int {
    let operands = arenaBytes(of: node.operands)
    let results = arenaBytes(of: node.outputs)
    return type(of: node.op.base).writesApart && node.postOps.isEmpty
      ? operands.adding(saturating: results) : max(operands, results)
  }

  /// Bytes of the arena that the values take at least; those that may share bytes count once.
  private func arenaBytes(of ids: [ValueID?]) -> Int {
    var largest: [ValueID: Int] = [:]
    for case let id? in ids {
      let source = source(of: id)
      guard graph.constants[source] == nil else { continue }
      let group = representative(of: source)
      largest[group] = max(largest[group] ?? 0, bytes(of: id))
    }
    return largest.values.saturatingSum
  }

  private func weights(of split: GraphSplit, in model: LinkableModel) -> Int {
    let extents = model.file.extents
    var read = Set<Int>()
    if split.continuation != nil {
      read = Set(extents.indices)
    } else {
      // Views read nothing, and neither do nodes whose results are empty: they have no kernel.
      let readers = split.nodes.map { graph.nodes[$0] }.filter { node in
        !node.isView && node.outputs.contains { $0.map { bytes(of: $0) > 0 } ?? false }
      }
      for case let id? in readers.flatMap(\.operands) + split.outputs {
        if case .weight(let index, _, _)? = graph.constants[source(of: id)],
          model.file.weights.indices.contains(index)
        {
          read.insert(model.file.weights[index].extent)
        }
      }
    }
    return read.map { extents[$0].byteCount }.saturatingSum
  }

  private func bytes(of id: ValueID) -> Int {
    guard let type = inference[id], let shape = type.shape else { return 0 }
    return type.elementType.byteCount(of: shape.elementCount) ?? .max
  }

  // MARK: Values in the bytes of others

  private func source(of id: ValueID) -> ValueID { viewed[id] ?? id }

  private func representative(of id: ValueID) -> ValueID {
    var id = id
    while let next = shared[id] { id = next }
    return id
  }

  private mutating func join(_ id: ValueID, with other: ValueID) {
    let (id, other) = (representative(of: source(of: id)), representative(of: source(of: other)))
    guard id != other else { return }
    // The one that stands for fewer is led to the other, so that the way there stays short.
    let (few, many) = (counts[id] ?? 1) < (counts[other] ?? 1) ? (id, other) : (other, id)
    shared[few] = many
    counts[many] = (counts[many] ?? 1) + (counts.removeValue(forKey: few) ?? 1)
  }
}

extension Node {
  /// True when the result is its first operand, in another shape or the same.
  fileprivate var isView: Bool { op.isView && postOps.isEmpty }

  /// True when operands and results may lie in each other's bytes, side by side or one in the other.
  fileprivate var mayShareBytes: Bool {
    type(of: op.base).sharesBytes && postOps.isEmpty
  }
}
