import Device
import GraphPasses
import ModelGraph
import Tensors

/// Makes plans of compiled models for concrete shapes, and keeps them.
public final class Planner: Sendable {
  private let device: any Device
  private let threads: [Int]
  private let budget: Int
  private let padsRows: Bool
  private let cache: PlanCache
  private let evaluator: DeviceEvaluator
  private let planningLimit: Duration
  private let now: @Sendable () -> ContinuousClock.Instant

  /// Enough for the largest models on a slow machine; what takes longer is no model that anybody waits for.
  private static let planningLimit = Duration.seconds(60)

  /// - Parameters:
  ///   - threads: the numbers of threads that a kernel must be able to run with, ascending.
  ///   - capacity: the most bytes that plans may keep, those in use and those being made included; the least recently
  ///     used that nobody uses leave first.
  ///   - budget: the bytes that a member has to fit in. No kernel is asked for where shapes say that it does not, and a
  ///     plan that takes more is not kept.
  ///   - padsRows: true if a rest may be planned for more rows than there are: their number follows from earlier runs, and the last
  ///     bits of a result may follow from it.
  public convenience init(
    device: any Device, threads: [Int], capacity: Int = 256 << 20, budget: Int = .max, padsRows: Bool = true
  ) {
    self.init(
      device: device, threads: threads, capacity: capacity, budget: budget, padsRows: padsRows,
      planningLimit: Planner.planningLimit)
  }

  /// - Parameters:
  ///   - planningLimit: the time that one plan may take to make.
  ///   - now: the clock.
  package init(
    device: any Device, threads: [Int], capacity: Int = 256 << 20, budget: Int = .max, padsRows: Bool = true,
    planningLimit: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.planningLimit = planningLimit
    self.now = now
    self.device = device
    self.threads = threads
    self.budget = budget
    self.padsRows = padsRows
    cache = PlanCache(capacity: capacity)
    evaluator = DeviceEvaluator(device)
  }

  /// The plan of `model` for inputs of these types, in the order of the graph's inputs.
  /// - Throws: ``LinkError`` when the types are not what the model declares, or shapes not what was declared when it was
  ///   added, a member takes more than the budget, or the plan does not fit the capacity; what the device throws.
  public func plan(_ model: LinkableModel, inputs: [(ElementType, Shape)]) throws -> Plan {
    try check(inputs, of: model)
    let key = key(of: model, inputs)
    if let plan = cache[key] { return plan }
    return try make(model, model.graph, inputs, key)
  }

  /// The same when it has been made already; `nil` when it would have to be made, which takes a while.
  /// - Throws: ``LinkError`` when the types are not what the model declares, or shapes not what was declared when it was
  ///   added.
  public func cachedPlan(_ model: LinkableModel, inputs: [(ElementType, Shape)]) throws -> Plan? {
    try check(inputs, of: model)
    return cache[key(of: model, inputs)]
  }

  private func key(of model: LinkableModel, _ inputs: [(ElementType, Shape)]) -> PlanKey {
    PlanKey(
      graph: model.identity, inputs: inputs.map { PlanKey.InputType(elementType: $0.0, shape: $0.1) },
      decisions: [])
  }

  /// The plan of what `plan` left to do, now that its carried values are there.
  /// - Parameters:
  ///   - carried: the elements of ``Plan/carried``.
  ///   - counted: the types of the results of the continuation's host nodes, which need not have been computed.
  public func plan(restOf plan: Plan, carried: [Tensor], counted: [KernelRequest.ResultType] = []) throws
    -> Plan
  {
    try self.plan(restOf: plan, carried: carried, counted: counted, most: Planner.mostPlans)
  }

  /// The plan of what `plan` left to do, for at least as many rows as there are.
  /// - Parameters:
  ///   - counted: the types of the results of host nodes.
  ///   - count: the number of rows in them; at least 1.
  /// - Returns: the plan, and the rows that it takes.
  package func plan(
    restOf plan: Plan, carried: [Tensor], counted: [KernelRequest.ResultType], in rows: RestRows, count: Int
  ) throws -> (plan: Plan, rows: Int) {
    let bound = padsRows ? plan.rowBound.rows(for: count) : count
    let isWide = padsRows && plan.rowBound.isWide(bound)
    let rest = try self.plan(
      restOf: plan, carried: carried, counted: try rows.types(counted, rows: bound),
      most: isWide ? 1 : Planner.mostPlans)
    plan.rowBound.note(rows: bound, microseconds: rest.estimatedMicroseconds)
    return (rest, bound)
  }

  /// The most plans that are kept of one rest or one round.
  private static let mostPlans = 8

  private func plan(
    restOf plan: Plan, carried: [Tensor], counted: [KernelRequest.ResultType], most: Int
  ) throws -> Plan {
    guard let continuation = plan.continuation else {
      throw LinkError(.notPlannable(model: plan.model.name, detail: "the plan has no rest"))
    }
    var decisions: [Tensor.Bits] = []
    var types: [(ElementType, Shape)] = []
    for (index, tensor) in carried.enumerated() {
      if continuation.decisive.contains(index) {
        decisions.append(tensor.bits)
      } else {
        types.append((tensor.elementType, tensor.shape))
      }
    }
    types += counted.map { ($0.elementType, $0.shape) }
    let key = PlanKey(
      graph: plan.identity, inputs: types.map { .init(elementType: $0.0, shape: $0.1) },
      decisions: decisions)
    // The graph is copied only where there is no plan yet: each run comes here.
    if let plan = cache[key] { return plan }
    var graph = continuation.graph
    var inputs: [ValueID] = []
    for (index, id) in graph.inputs.enumerated() {
      if continuation.decisive.contains(index), carried.indices.contains(index) {
        graph.constants[id] = .tensor(carried[index])
      } else {
        inputs.append(id)
      }
    }
    graph.inputs = inputs
    return try make(plan.model, graph, types, key, most: most)
  }

  /// The plan of one round of a loop that is a host node of `plan`.
  /// - Parameter inputs: the types of the body's inputs, in order.
  public func plan(
    roundOf node: Plan.HostNode, of plan: Plan, inputs: [(ElementType, Shape)]
  ) throws -> Plan {
    guard let looping = node.op.looping else {
      throw LinkError(.notPlannable(model: plan.model.name, detail: "'\(node.name)' is no loop"))
    }
    let key = PlanKey(
      graph: node.body, inputs: inputs.map { .init(elementType: $0.0, shape: $0.1) }, decisions: [])
    return try cache[key] ?? make(plan.model, looping.body, inputs, key, most: Planner.mostPlans)
  }

  private func make(
    _ model: LinkableModel, _ graph: Graph, _ inputs: [(ElementType, Shape)], _ key: PlanKey,
    most: Int? = nil
  ) throws -> Plan {
    defer { device.giveBackUnused() }
    let working = cache.makeBytes()
    defer { withExtendedLifetime(working) {} }
    let time = PlanningTime(limit: planningLimit, now: now)
    do { try working.reserve(Planner.workingCopies * graph.footprint) } catch {
      throw LinkError(plansOf: model.name, error)
    }
    do {
      let specialised = try graph.specialised(
        inputs: inputs.map { ValueType($0.0, $0.1) }, known: [:],
        evaluator: TimedEvaluator(evaluator: evaluator, time: time, model: model.name),
        check: { try time.check(of: model.name) })
      let split = try GraphSplit(specialised.graph, specialised.inference, model: model.name)
      try LeastMemory.check(specialised, split, of: model, budget: budget)
      let plan = try smaller(model, specialised, split, time)
      let needed = plan.reservedBytes(with: plan.ownMemory)
      guard needed <= budget else {
        throw LinkError.tooLarge(model: model.name, needed: needed, budget: budget)
      }
      let decisions = key.decisions.reduce(0) { $0 + $1.bytes.count }
      do { try plan.bytes.settle(plan.footprint + decisions) } catch {
        throw LinkError(plansOf: model.name, error)
      }
      cache.insert(plan, for: key, most: most)
      return plan
    } catch let error as DeviceError where error.kind == .invalidArgument {
      // The model was planned when it was added: what a kernel refuses now came with the inputs.
      throw error.of(.invalidData)
    }
  }

  /// The memory for specialising a graph, in copies of it: the graph that changes, and the types of its values.
  package static let workingCopies = 2

  /// The plan whose concatenations and splits lie in the bytes of their operands, unless its arena is larger by more than a
  /// tenth: bytes that are shared are needed from the first of those that share them to the last.
  private func smaller(
    _ model: LinkableModel, _ specialised: SpecialisedGraph, _ split: GraphSplit, _ time: PlanningTime
  ) throws -> Plan {
    var builder = PlanBuilder(
      model, specialised, device: device, threads: threads, bytes: cache.makeBytes(), time: time,
      sharesBytes: true)
    let plan = try builder.build(split)
    guard builder.hasSharedBytes else { return plan }
    builder = PlanBuilder(
      model, specialised, device: device, threads: threads, bytes: cache.makeBytes(), time: time,
      sharesBytes: false)
    // The first one stays where there is no room or time to compare it with another.
    let apart: Plan
    do { apart = try builder.build(split) } catch is LinkError { return plan }
    return Double(plan.arenaBytes) <= 1.1 * Double(apart.arenaBytes) ? plan : apart
  }

  private func check(_ inputs: [(ElementType, Shape)], of model: LinkableModel) throws(LinkError) {
    let declared = model.graph.inputs
    guard declared.count == inputs.count else {
      throw LinkError(.inputCount(model: model.name, expected: declared.count, found: inputs.count))
    }
    for (id, (elementType, shape)) in zip(declared, inputs) {
      let name = model.graph[id].name
      if let expected = model.graph[id].type, !Planner.accepts(expected, elementType, shape) {
        throw LinkError(
          .inputType(
            model: model.name, input: name, expected: expected, found: ValueType(elementType, shape)))
      }
      if let declared = model.declaredShapes[name], !declared.contains(shape) {
        throw LinkError(
          .outsideDeclared(model: model.name, input: name, declared: declared, found: shape))
      }
    }
  }

  private static func accepts(_ expected: ValueType, _ elementType: ElementType, _ shape: Shape) -> Bool {
    guard expected.elementType == elementType else { return false }
    guard let dimensions = expected.dimensions else { return true }
    return dimensions.count == shape.rank
      && zip(dimensions, shape.dims).allSatisfy { $0.size == nil || $0.size == $1 }
  }

  /// Drops the plans of a model that takes no requests any more. Requests that hold one keep it until they end.
  public func forget(_ model: LinkableModel) { cache.forget(model) }

  /// Bytes of all plans, those that only requests hold included, and the number of plans that are kept for asking again.
  public var usage: (bytes: Int, plans: Int) { cache.usage }

  /// The most bytes that plans may keep.
  public var capacity: Int { cache.capacity }
}
