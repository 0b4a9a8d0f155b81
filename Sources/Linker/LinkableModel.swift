import Device
import ModelGraph
import ModelStore
import Synchronization
import Tensors

/// A compiled model, opened and decoded, from which plans are made.
public final class LinkableModel: Sendable {
  /// The name that it was added under.
  public let name: String
  /// The version that is open.
  public let version: Int
  /// The graph, with weights by their index in ``file``.
  public let graph: Graph
  /// The file, which holds the weights. Open as long as this object lives.
  public let file: CompiledModel

  /// The shapes that inputs may have, by input name, where they were declared when the model was added.
  public let declaredShapes: [String: ShapeRanges]

  /// The extents' names for residency: their hashes in hexadecimal, written out once.
  public let extentNames: [String]

  /// The model's part of the account of opened models.
  private let share: MemoryShare

  /// Host bytes that the opened model keeps, about, without its weights.
  public var footprint: Int { share.byteCount }

  /// Host bytes of the file's index and of the graph in its encoded form.
  private static func fileBytes(_ file: CompiledModel) -> Int {
    4096 + file.graph.count + 256 * file.extents.count
      + file.weights.reduce(0) { $0 + 256 + $1.name.utf8.count + $1.layout.count }
  }

  let identity = PlanIdentity()
  private let hasEnded = Atomic(false)

  /// False once its plans were forgotten: nobody asks for them again.
  var isPlannedAgain: Bool { !hasEnded.load(ordering: .relaxed) }

  /// Plans of the model are kept no more.
  func endPlanning() { hasEnded.store(true, ordering: .relaxed) }

  /// A number that no other open model has for as long as the process lives.
  package var identityNumber: UInt64 { identity.number }

  /// Decodes the graph of an opened file.
  /// - Throws: when the graph's bytes are no well-formed graph, or name weights that the file does not have;
  ///   ``ShapeRangesError`` when what was declared is no shape.
  /// ``LinkError`` when the graph does not fit `ledger`.
  /// - Parameter ledger: the account of opened models.
  public init(_ file: CompiledModel, ledger: MemoryLedger = MemoryLedger(capacity: .max)) throws {
    let share = MemoryShare(ledger)
    self.share = share
    self.file = file
    name = file.metadata.name
    version = file.metadata.version
    extentNames = file.extents.map(\.hash.description)
    declaredShapes = try file.metadata.declaredShapes.mapValues { try ShapeRanges(parsing: $0) }
    let shortage = Locked<MemoryShortage?>(nil)
    func count(_ bytes: Int) throws(MemoryShortage) {
      do { try share.reserve(bytes) } catch {
        shortage.withLock { $0 = error }
        throw error
      }
    }
    do {
      try count(LinkableModel.fileBytes(file))
      graph = try Graph.decoded(from: file.graph) { try count($0) }
      try share.settle(LinkableModel.fileBytes(file) + graph.footprint)
    } catch {
      if let shortage = shortage.withLock({ $0 }) ?? (error as? MemoryShortage) {
        throw LinkError(graphOf: name, shortage)
      }
      throw error
    }
    try graph.verify()
    for (id, constant) in graph.constants {
      guard case .weight(let index, let elementType, let shape) = constant else { continue }
      guard file.weights.indices.contains(index), file.weights[index].elementType == elementType,
        file.weights[index].shape == shape
      else {
        throw LinkError(
          .notPlannable(model: name, detail: "weight \(index) of '\(graph[id].name)' is not in \(file.path)"))
      }
    }
  }

  /// Returns the request that loads extent `index` of the file.
  public func load(extent index: Int, way: LoadRequest.Way) -> LoadRequest {
    let extent = file.extents[index]
    return LoadRequest(
      name: extentNames[index], descriptor: file.descriptor, file: file, path: file.path,
      offset: extent.offset, byteCount: extent.byteCount, way: way)
  }
}
