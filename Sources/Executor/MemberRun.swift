import Device
import Linker
import ModelGraph
import ModelStore
import Residency
import Tensors

/// One member while it runs on a lane: its plan's steps, and those of the rest when shapes depended on data.
struct MemberRun {
  let device: any Device
  let planner: Planner
  /// The source of threads for each kernel; `nil` if each kernel runs on one thread.
  let shares: ThreadShares?
  let lane: Int
  let lease: Lease
  let arena: ItemID
  let arenaOffset: Int
  /// The memory reserved in addition to the weights.
  let reserved: MemberMemory
  /// The most that can be reserved beside the weights, in bytes, and the budget that it comes of.
  let room: (bytes: Int, budget: Int)
  let trace: Trace?
  /// The needs of the run so far.
  let needs = RunNeeds()

  /// Runs the member.
  /// - Returns: the outputs in the model's order.
  /// - Throws: what a load, a kernel or the planner throws; ``NeedsMoreMemory``; `LinkError` when a rest takes more than
  ///   there is room for.
  func answer(_ plan: Plan, inputs: [Tensor]) throws -> [Tensor] {
    // The outputs keep the table, which keeps what asks for its memory until then.
    defer { needs.strings?.seal() }
    var needed = plan.ownMemory
    if inputs.contains(where: { $0.elementType == .sequence }) {
      try checkContents(of: inputs, for: plan)
      needed.add(requestBytes: inputs.listBytes)
      try reserve(needed, of: plan)
    }
    return try run(plan, inputs: inputs, needed: needed)
  }

  /// Refuses sequences whose elements are not what the model declares: a plan knows nothing of them.
  private func checkContents(of inputs: [Tensor], for plan: Plan) throws {
    let graph = plan.model.graph
    for (id, tensor) in zip(graph.inputs, inputs) {
      guard let contents = graph[id].type?.contents, let list = tensor.list else { continue }
      if let wrong = list.first(where: { !contents.accepts($0) }) {
        throw DeviceError(
          .invalidData,
          "the input '\(graph[id].name)' of the model '\(plan.model.name)' has an element \(wrong), where "
            + "\(ValueType(contents.elementType, contents.dimensions)) is declared")
      }
      if contents.isOptional, list.count != 1 {
        throw DeviceError(
          .invalidData,
          "the optional input '\(graph[id].name)' of the model '\(plan.model.name)' has \(list.count) values")
      }
    }
  }

  /// Runs `plan` and what follows from it.
  /// - Parameter needed: what the run takes up to the end of this plan.
  /// - Throws: as ``answer(_:inputs:)``.
  func run(_ plan: Plan, inputs: [Tensor], needed: MemberMemory) throws -> [Tensor] {
    try needs.beginPlan(limit: MemberRun.mostNested)
    defer { needs.endPlan() }
    let outer = needs.current
    needs.current = needed
    defer { needs.current = outer }
    let memory = device.makeBoundMemory(slots: plan.extents.count + 1)
    if plan.hasStrings { memory.strings = strings(of: plan) }
    if plan.arenaBytes > 0 {
      let span = try lease.ticket(for: arena).wait()
      try memory.attach(MemorySpan(span.handle, offset: span.offset + arenaOffset), to: 0)
    }
    var sequences = SequenceTable()
    try write(inputs, of: plan, to: memory, &sequences)
    var attached = Set<Int>()
    for step in plan.steps {
      for extent in step.waits {
        try attach(extent, of: plan, to: memory)
        attached.insert(extent)
      }
      try run(step, of: plan, on: memory)
    }
    for extent in plan.extents.indices where !attached.contains(extent) {
      try attach(extent, of: plan, to: memory)
    }
    let outputs = try plan.outputs.map { try read($0, from: memory, sequences) }
    guard let continuation = plan.continuation else { return outputs }
    let carried = try plan.carried.map { try read($0, from: memory, sequences) }
    let rest = try runRest(of: plan, continuation, carried: carried, needed: needed)
    return continuation.outputs.map { output in
      switch output {
      case .done(let index): outputs[index]
      case .rest(let index): rest[index]
      }
    }
  }

  private func attach(_ extent: Int, of plan: Plan, to memory: any BoundMemory) throws {
    let ticket = lease.ticket(for: .extent(plan.model.extentNames[plan.extents[extent]]))
    let isReady = ticket.isReady
    if !isReady { shares?.end(lane) }
    defer { if !isReady { shares?.begin(lane) } }
    try memory.attach(try ticket.wait(), to: extent + 1)
  }

  private func run(_ step: Plan.Step, of plan: Plan, on memory: any BoundMemory) throws {
    let threads = shares?.take(lane, from: step.threads) ?? 1
    defer { shares?.give(lane) }
    guard let trace else { return try step.kernel.run(step.call, on: memory, threads: threads) }
    let start = monotonicNanoseconds()
    try step.kernel.run(step.call, on: memory, threads: threads)
    trace.record(
      Trace.Event(
        track: .lane(lane), name: step.name, model: plan.model.name, start: start,
        end: monotonicNanoseconds(),
        facts: ["threads": "\(threads)", "implementation": step.kernel.implementation]))
  }

  private func write(
    _ inputs: [Tensor], of plan: Plan, to memory: any BoundMemory, _ sequences: inout SequenceTable
  ) throws {
    guard inputs.count == plan.inputs.count else {
      throw ExecutorError(
        .inputCount(model: plan.model.name, expected: plan.inputs.count, found: inputs.count))
    }
    for (port, tensor) in zip(plan.inputs, inputs) {
      guard tensor.byteCount == port.byteCount else {
        throw ExecutorError(
          .inputSize(
            model: plan.model.name, input: port.name, expected: port.byteCount, found: tensor.byteCount))
      }
      // A plan of empty tensors has no arena.
      guard case .memory(let location) = port.source, port.byteCount > 0 else { continue }
      if port.elementType == .sequence {
        try write(tensor, to: location, of: memory, &sequences)
        continue
      }
      if let strings = memory.strings, let handles = try self.handles(of: tensor, in: strings, of: plan) {
        try handles.withUnsafeBytes { try device.write($0, to: location, of: memory) }
        continue
      }
      try tensor.withUnsafeBytes { try device.write($0, to: location, of: memory) }
    }
  }

  /// The texts of the run. The table asks for the memory of each text before it takes it.
  private func strings(of plan: Plan) -> StringTable {
    if let strings = needs.strings { return strings }
    let strings = StringTable(growing: { bytes in
      needs.tableBytes = bytes
      try reserve(needs.current, of: plan, spare: max(bytes, MemberRun.leastSpare))
    })
    needs.strings = strings
    return strings
  }

  /// The texts of a tensor as handles of the run's table; `nil` unless its elements are texts.
  private func handles(of tensor: Tensor, in strings: StringTable, of plan: Plan) throws -> [UInt64]? {
    guard let table = tensor.table else { return nil }
    // The tensor and the run each hold the texts.
    if table !== strings {
      needs.foreignBytes = needs.foreignBytes.adding(saturating: tensor.memoryBytes - tensor.byteCount)
      try reserve(needs.current, of: plan, spare: MemberRun.leastSpare)
    }
    return try tensor.handles(in: strings)
  }

  private func read(_ port: Plan.Port, from memory: any BoundMemory, _ sequences: SequenceTable) throws
    -> Tensor
  {
    switch port.source {
    case .constant(let tensor): tensor
    case .memory(let location) where port.elementType == .sequence:
      try readSequence(from: location, of: memory, sequences)
    case .memory(let location):
      try Tensor(elementType: port.elementType, shape: port.shape, table: memory.strings) { bytes in
        if port.byteCount > 0 { try device.read(bytes, from: location, of: memory) }
      }
    }
  }
}
