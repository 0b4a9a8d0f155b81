import Device
import ModelGraph
import Tensors

/// Steps, and the plan that they become when their memory is placed.
extension PlanBuilder {
  mutating func addValue(_ byteCount: Int, readers: Int, copyOf original: Int? = nil) -> Int {
    blocks.add(byteCount, readers: readers, at: drafts.count, copyOf: original)
  }

  mutating func append(
    _ request: KernelRequest, _ kernel: any Kernel, operands: [Place.Home?], results: [Place.Home?]
  ) throws {
    do { try bytes.reserve(Plan.byteCount(of: kernel, beside: &countedParts)) } catch {
      throw LinkError(plansOf: model.name, error)
    }
    let step = drafts.count
    if kernel.isReference {
      warnings.append(
        "node '\(request.node)' (\(request.op.name)) runs on a slow reference kernel of the library")
    }
    let threads = kernel.usesThreads ? request.threads : Array(request.threads.prefix(1))
    sharing.runs(request, with: threads)
    estimatedMicroseconds += request.estimatedMicroseconds
    var scratch: Int?
    if kernel.scratchBytes > 0 { scratch = addValue(kernel.scratchBytes, readers: 0) }
    drafts.append(
      Draft(
        name: request.node, kernel: kernel, threads: threads, operands: operands, results: results,
        scratch: scratch))
    for case .value(let value)? in operands + results { blocks.touch(value, at: step) }
  }

  mutating func finish(
    _ split: GraphSplit, inputs: [(ValueID, KernelRequest.ResultType)], outputs: [(ValueID, Place?)],
    carried: [(ValueID, Place?)]
  ) throws -> Plan {
    for case (_, let place?) in outputs + carried {
      if case .value(let value) = place.home { blocks.touch(value, at: drafts.count) }
    }
    let layout = try blocks.planned()
    var extents: [Int] = []
    var slots: [Int: Int] = [:]
    func locate(_ home: Place.Home) -> (Location, extent: Int?) {
      switch home {
      case .value(let value): return (Location(slot: 0, offset: layout.offsets[value]), nil)
      case .weight(let index):
        let weight = model.file.weights[index]
        let slot = slots[weight.extent] ?? extents.count + 1
        return (Location(slot: slot, offset: weight.offset), weight.extent)
      }
    }
    var steps: [Plan.Step] = []
    for draft in drafts {
      var waits: [Int] = []
      func located(_ home: Place.Home?) -> Location? {
        guard let home else { return nil }
        let (location, extent) = locate(home)
        if let extent, slots[extent] == nil {
          waits.append(extents.count)
          extents.append(extent)
          slots[extent] = extents.count
        }
        return location
      }
      let call = KernelCall(
        operands: draft.operands.map(located), results: draft.results.map(located),
        scratch: draft.scratch.map { Location(slot: 0, offset: layout.offsets[$0]) })
      steps.append(
        Plan.Step(
          name: draft.name, kernel: draft.kernel, threads: draft.threads, call: call, waits: waits))
    }
    func port(_ id: ValueID, _ place: Place?) throws -> Plan.Port {
      let type = try resultType(of: id, node: graph[id].name)
      let bytes = type.elementType.byteCount(of: type.shape.elementCount) ?? 0
      let source: Plan.Port.Source
      if let place {
        if case .weight(let index) = place.home, slots[model.file.weights[index].extent] == nil {
          extents.append(model.file.weights[index].extent)
          slots[model.file.weights[index].extent] = extents.count
        }
        source = .memory(locate(place.home).0)
      } else if let tensor = graph.tensor(id) {
        source = .constant(tensor)
      } else {
        throw LinkError(.notPlannable(model: model.name, detail: "output '\(graph[id].name)' has no value"))
      }
      return Plan.Port(
        name: graph[id].name, elementType: type.elementType, shape: type.shape, source: source,
        byteCount: bytes)
    }
    let inputPorts = try inputs.map { try port($0.0, places[$0.0]) }
    let outputPorts = try outputs.map { try port($0.0, $0.1) }
    let carriedPorts = try carried.map { try port($0.0, $0.1) }
    return Plan(
      model: model, bytes: bytes, steps: steps, extents: extents,
      arenaBytes: roundedToPages(layout.byteCount),
      inputs: inputPorts, outputs: outputPorts, carried: carriedPorts, continuation: split.continuation,
      warnings: warnings, estimatedMicroseconds: estimatedMicroseconds,
      hasStrings: hasStrings
        || (inputPorts + outputPorts + carriedPorts).contains { $0.elementType == .string })
  }
}
