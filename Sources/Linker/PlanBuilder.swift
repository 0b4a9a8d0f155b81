import Device
import GraphPasses
import ModelGraph
import Tensors

/// Turns a graph whose shapes are known into kernel calls: asks the device for a kernel a node, inserts reorders where
/// layouts differ, and lets results lie in the memory of operands where no kernel has to run or it may run in place.
struct PlanBuilder {
  /// The location of a value while the plan is made.
  struct Place {
    enum Home: Hashable {
      /// An index into `blocks`.
      case value(Int)
      case weight(Int)
    }
    var home: Home
    var layout: Layout
  }

  /// A step whose memory has not been placed yet.
  struct Draft {
    var name: String
    var kernel: any Kernel
    var threads: [Int]
    var operands: [Place.Home?]
    var results: [Place.Home?]
    /// An index into `blocks`.
    var scratch: Int?
  }

  let model: LinkableModel
  let device: any Device
  let threads: [Int]
  /// The bytes that the plan keeps, reserved as it grows.
  let bytes: MemoryShare
  /// The parts of kernels that ``bytes`` has already.
  var countedParts: Set<UInt> = []
  /// True if concatenations and splits may lie in the bytes of their operands.
  let sharesBytes: Bool
  /// True if one of them does.
  var hasSharedBytes = false
  var graph: Graph
  var inference: Inference
  var places: [ValueID: Place] = [:]
  var reordered: [ValueID: [Layout: Place]] = [:]
  var blocks = ArenaBlocks()
  var drafts: [Draft] = []
  var readers: [ValueID: Int] = [:]
  var warnings: [String] = []
  var sharing = ThreadSharing()
  /// The time of all drafts on one thread.
  var estimatedMicroseconds = 0.0
  /// True if a value of the plan holds texts.
  var hasStrings = false
  private let time: PlanningTime

  init(
    _ model: LinkableModel, _ specialised: SpecialisedGraph, device: any Device, threads: [Int],
    bytes: MemoryShare, time: PlanningTime, sharesBytes: Bool
  ) {
    self.model = model
    self.sharesBytes = sharesBytes
    self.device = device
    self.threads = threads
    self.bytes = bytes
    self.time = time
    graph = specialised.graph
    inference = specialised.inference
  }

  /// Makes the plan of the nodes in `split`.
  mutating func build(_ split: GraphSplit) throws -> Plan {
    for node in split.nodes {
      for case let id? in graph.nodes[node].operands { readers[id, default: 0] += 1 }
    }
    for id in split.outputs + split.carried { readers[id, default: 0] += 1 }
    var inputs: [(ValueID, KernelRequest.ResultType)] = []
    for id in split.inputs {
      let type = try resultType(of: id, node: "input")
      inputs.append((id, type))
      let bytes = try device.byteCount(of: type.elementType, type.shape, in: .plain)
      places[id] = Place(home: .value(addValue(bytes, readers: readers[id] ?? 0)), layout: .plain)
    }
    // One thread shares with nobody.
    if threads.count > 1 {
      sharing = ThreadSharing(expected: split.nodes.map { expectedMicroseconds(graph.nodes[$0]) })
    }
    for index in split.nodes {
      try add(graph.nodes[index])
      sharing.goOn()
    }
    let outputs = try split.outputs.map { try leave($0) }
    let carried = try split.carried.map { try leave($0) }
    return try finish(split, inputs: inputs, outputs: outputs, carried: carried)
  }

  // MARK: Nodes

  /// About how long a node takes on one thread; 0 for one that computes nothing, or whose sizes are not known.
  private func expectedMicroseconds(_ node: Node) -> Double {
    func type(_ id: ValueID?) -> KernelRequest.ResultType? {
      guard let type = id.flatMap({ inference[$0] }), let shape = type.shape else { return nil }
      return KernelRequest.ResultType(type.elementType, shape)
    }
    guard !node.op.isView else { return 0 }
    let operands = node.operands.map { id in
      type(id).map { Operand(elementType: $0.elementType, shape: $0.shape) }
    }
    return KernelRequest(node, model: model.name, operands: operands, results: node.outputs.map(type))
      .estimatedMicroseconds
  }

  private mutating func add(_ node: Node) throws {
    try time.check(node.name, of: model.name)
    let ids = node.operands
    var operands: [Operand?] = []
    for id in ids { operands.append(try id.map { try operand($0) }) }
    let results = try node.outputs.map { output in try output.map { try resultType(of: $0, node: node.name) }
    }
    if try addEmpty(node, results) { return }
    var request = KernelRequest(node, model: model.name, operands: operands, results: results)
    let types = request.operands.map { $0?.elementType } + request.results.map { $0?.elementType }
    if types.contains(.string) { hasStrings = true }
    request.threads = sharing.counts(for: request, of: threads)
    let kernel = try device.makeKernel(request)
    if let alias = kernel.aliasedOperand, try addAlias(node, kernel, alias: alias, request) { return }
    var sources: [Place.Home?] = []
    for (index, id) in ids.enumerated() {
      guard let id, let operand = operands[index], operand.immediate == nil else {
        sources.append(nil)
        continue
      }
      sources.append(try place(of: id, in: kernel.operandLayouts[index], for: node, operand).home)
    }
    if try addJoined(node, kernel, sources, request) || addParts(node, kernel, sources, request) { return }
    var targets: [Place.Home?] = []
    for (index, output) in node.outputs.enumerated() {
      guard let output, let result = results[index] else {
        targets.append(nil)
        continue
      }
      let layout = kernel.resultLayouts[index]
      let bytes = try device.byteCount(of: result.elementType, result.shape, in: layout)
      let count = readers[output] ?? 0
      let replacing = index == 0 ? replaced(kernel, sources, node: node, bytes: bytes, readers: count) : nil
      let value = replacing ?? addValue(bytes, readers: count)
      places[output] = Place(home: .value(value), layout: layout)
      targets.append(.value(value))
    }
    try append(request, kernel, operands: sources, results: targets)
    consume(node)
  }

  /// Results without elements need no kernel, which is well: few libraries have one that takes the packed weights of
  /// others. False when there is something to compute.
  private mutating func addEmpty(_ node: Node, _ results: [KernelRequest.ResultType?]) throws -> Bool {
    guard results.allSatisfy({ ($0?.shape.elementCount ?? 0) == 0 }) else { return false }
    for case (let output?, let result?) in zip(node.outputs, results) {
      graph.constants[output] = .tensor(
        try Tensor(elementType: result.elementType, shape: result.shape) { _ in })
    }
    consume(node)
    return true
  }
}
