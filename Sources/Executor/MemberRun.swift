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
  private let needs = RunNeeds()

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
      needed.add(listsOf: inputs)
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
  private func run(_ plan: Plan, inputs: [Tensor], needed: MemberMemory) throws -> [Tensor] {
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

  /// Plans and runs the rest. Its memory is counted first, then checked against what is reserved; only then is anything of it
  /// allocated.
  private func runRest(
    of plan: Plan, _ continuation: Plan.Continuation, carried: [Tensor], needed: MemberMemory
  ) throws -> [Tensor] {
    let counted = try continuation.hostNodes.map { node in
      try node.op.hostLoop.map { try loop($0, node, carried: carried, of: plan, needed: needed) }
        ?? count(node, carried: carried, of: plan)
    }
    let types = zip(continuation.hostNodes, counted).flatMap { node, results in
      node.results.map { results.types[$0] }
    }
    let number = continuation.rows?.count(in: types)
    if number == 0, let outputs = continuation.rows?.outputsOfNoRows { return outputs }
    var needed = needed
    for results in counted {
      needed.add(requestBytes: results.held)
      needed.add(requestBytes: results.textBytes)
    }
    let rest = try plannedRest(of: plan, continuation, carried, types, count: number, after: needed)
    try reserve(rest.needed, of: plan)
    var made = try zip(continuation.hostNodes, counted).flatMap { node, results in
      let tensors = try results.tensors()
      return node.results.map { tensors[$0] }
    }
    if let number, let rows = continuation.rows, let bound = rest.rows {
      made = try rows.padded(made, to: bound)
      let inputs = rest.inputs(of: continuation, carried + made)
      return try rows.cut(try run(rest.plan, inputs: inputs, needed: rest.needed), of: bound, to: number)
    }
    return try run(rest.plan, inputs: rest.inputs(of: continuation, carried + made), needed: rest.needed)
  }

  /// A rest that is planned.
  private struct PlannedRest {
    var plan: Plan
    /// What the run takes up to the end of it.
    var needed: MemberMemory
    /// The rows that it takes, if those are more than there are.
    var rows: Int?

    func inputs(of continuation: Plan.Continuation, _ values: [Tensor]) -> [Tensor] {
      values.enumerated().filter { !continuation.decisive.contains($0.offset) }.map(\.element)
    }
  }

  /// Plans the rest: for more rows than there are where that saves plans and there is room for it, for what there is otherwise.
  private func plannedRest(
    of plan: Plan, _ continuation: Plan.Continuation, _ carried: [Tensor],
    _ types: [KernelRequest.ResultType],
    count: Int?, after needed: MemberMemory
  ) throws -> PlannedRest {
    var exact = needed
    for type in types {
      exact.add(requestBytes: type.elementType.byteCount(of: type.shape.elementCount) ?? .max)
    }
    try check(exact, of: plan)
    if let rows = continuation.rows, let count, count > 0,
      let (rest, bound) = try? planner.plan(
        restOf: plan, carried: carried, counted: types, in: rows, count: count)
    {
      var needed = exact
      // Rows with copies behind them stand beside those that were counted.
      if bound > count { needed.add(requestBytes: rest.requestBytes) }
      needed.add(rest)
      if needs.memory.union(needed).fits(room.bytes) {
        return PlannedRest(plan: rest, needed: needed, rows: bound > count ? bound : nil)
      }
    }
    let rest = try planner.plan(restOf: plan, carried: carried, counted: types)
    exact.add(rest)
    return PlannedRest(plan: rest, needed: exact)
  }

  /// Runs a loop. The values that it keeps of every round are counted as they come.
  private func loop(
    _ loop: any HostLoop, _ node: Plan.HostNode, carried: [Tensor], of plan: Plan, needed: MemberMemory
  ) throws -> CountedResults {
    let operands = node.operands.map { $0.map { carried[$0] } }
    let captured = try operands.dropFirst(loop.firstCapture).map { operand in
      guard let operand else {
        throw DeviceError(.invalidArgument, "loop '\(node.name)' lacks an operand that its body reads")
      }
      return operand
    }
    var kept = needed
    var collected = 0
    do {
      let results = try loop.results(Array(operands.prefix(loop.firstCapture))) { inputs in
        var lists = MemberMemory(arenaBytes: 0, requestBytes: 0)
        lists.add(listsOf: inputs)
        let inputs = inputs + captured
        let round = try planner.plan(
          roundOf: node, of: plan, inputs: inputs.map { ($0.elementType, $0.shape) })
        var needed = kept
        needed.arenaBytes = max(needed.arenaBytes, round.arenaBytes)
        needed.add(requestBytes: round.requestBytes)
        needed.add(requestBytes: lists.requestBytes)
        // As much again as there is by now, so that a loop starts anew few times.
        try reserve(needed, of: plan, spare: max(collected, MemberRun.leastSpare))
        try needs.addRound(limit: MemberRun.mostRounds)
        let outputs = try run(round, inputs: inputs, needed: needed)
        // Twice: each by itself, and then all of them in one tensor.
        for output in outputs.dropFirst(loop.firstCollected) {
          let bytes = output.byteCount.adding(saturating: output.byteCount)
          collected = collected.adding(saturating: bytes)
          kept.add(requestBytes: bytes)
        }
        return outputs
      }
      var lists = MemberMemory(arenaBytes: 0, requestBytes: 0)
      lists.add(listsOf: results)
      return CountedResults(
        results.map { KernelRequest.ResultType($0.elementType, $0.shape) }, held: lists.requestBytes
      ) { results }
    } catch let error as DeviceError {
      throw error.of(node: node.name, node.op, model: plan.model.name, operands: operands)
    }
  }

  /// The most rounds of all loops of a run together: a condition that never becomes false would hold the lane for ever.
  private static let mostRounds = 1 << 20
  /// The most plans of a run that wait for the end of one another: each takes some of the thread's stack.
  private static let mostNested = 500
  /// The least bytes that a loop asks for beyond what it needs by now.
  private static let leastSpare = 1 << 20

  /// Checks that the member has the memory.
  /// - Parameter spare: bytes to ask for beside it, if there is room for them.
  /// - Throws: ``NeedsMoreMemory`` if it has reserved less; `LinkError` if there is no room for it.
  private func reserve(_ needed: MemberMemory, of plan: Plan, spare: Int = 0) throws {
    var needed = needed
    needed.add(requestBytes: needs.textBytes)
    // With the needs of earlier steps: the run begins anew with this memory.
    needs.memory = needs.memory.union(needed)
    try check(needs.memory, of: plan)
    guard
      needed.arenaBytes > reserved.arenaBytes
        || needed.requestBytes > roundedToPages(reserved.requestBytes)
    else { return }
    var more = needs.memory
    more.add(requestBytes: spare)
    throw NeedsMoreMemory(memory: more.fits(room.bytes) ? more : needs.memory)
  }

  /// Refuses what no member of the model can have.
  private func check(_ needed: MemberMemory, of plan: Plan) throws {
    guard !needed.fits(room.bytes) else { return }
    throw LinkError.tooLarge(
      model: plan.model.name,
      needed: (needed.byteCount ?? .max / 2).adding(saturating: room.budget - room.bytes), budget: room.budget
    )
  }

  /// Counts the results of a node that the host computes, all of which must be there.
  private func count(_ node: Plan.HostNode, carried: [Tensor], of plan: Plan) throws -> CountedResults {
    guard let operation = node.op.onHost else {
      throw DeviceError(.unsupported, "the host does not compute \(node.op.name)")
    }
    let operands = node.operands.map { $0.map { carried[$0] } }
    do {
      let results = try operation.count(operands)
      guard node.results.allSatisfy(results.types.indices.contains) else {
        throw DeviceError(.invalidArgument, "it has \(results.types.count) results")
      }
      return results
    } catch let error as DeviceError {
      throw error.of(node: node.name, node.op, model: plan.model.name, operands: operands)
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

extension MemberMemory {
  /// Adds a rest that runs when what came before it has run.
  fileprivate mutating func add(_ rest: Plan) {
    arenaBytes = max(arenaBytes, rest.arenaBytes)
    add(requestBytes: rest.resultBytes)
  }

  /// Adds what is in the sequences among `tensors`.
  fileprivate mutating func add(listsOf tensors: [Tensor]) {
    for tensor in tensors where tensor.elementType == .sequence { add(requestBytes: tensor.heldBytes) }
  }
}
