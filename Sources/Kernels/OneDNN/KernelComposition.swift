import Device
import ModelGraph
import Tensors

extension OneDNNEngine {
  /// The request's kernel: one primitive where oneDNN fuses everything, else a chain.
  func kernel(_ request: KernelRequest) throws -> (any Kernel)? {
    guard !request.threads.isEmpty else { return nil }
    var best: (any Kernel)?
    for form in try forms(request) {
      guard let kernel = try kernel(as: form) else { continue }
      if !kernel.isReference { return kernel }
      best = best ?? kernel
    }
    return best
  }

  /// Ways to ask for the same, the best first.
  private func forms(_ request: KernelRequest) throws -> [KernelRequest] {
    var forms = [request]
    if case .matrixMultiply = request.op, request.optionalOperand(2) != nil {
      forms.append(request.with(postOps: [.binary(.add, operand: 2)] + request.postOps))
    }
    let isPlain = request.operands.allSatisfy { $0.map { $0.layout == .plain || $0.isWeight } ?? true }
    if !isPlain {
      // Layouts that the primitive cannot work in are reordered before it.
      forms += forms.map { form in
        var plain = form
        for index in plain.operands.indices where plain.operands[index]?.isWeight == false {
          plain.operands[index]?.layout = .plain
        }
        return plain
      }
    }
    return forms
  }

  private func kernel(as request: KernelRequest) throws -> (any Kernel)? {
    switch request.op {
    case .lstm(let op), .gru(let op): return try recurrent(request, op)
    case .split, .slice: return try parts(request)
    default: break
    }
    guard let draft = try draft(request) else { return nil }
    var fused = draft.fusion.count
    var base = try primitive(draft, request)
    if fused > 0, base?.isReference ?? true, let plain = try self.draft(request.keeping(postOps: 0)) {
      let unfused = try primitive(plain, request.keeping(postOps: 0))
      if let unfused, base == nil || !unfused.isReference {
        base = unfused
        fused = 0
      }
    }
    if base?.isReference ?? true {
      let repacked = try repacking(draft, request)
      if let repacked, base == nil || !repacked.isReference {
        base = repacked
        fused = draft.fusion.count
      }
    }
    guard let base else { return nil }
    return fused == request.postOps.count ? base : try chain(base, after: fused, request)
  }

  /// One primitive for every thread count of the request; `nil` when they agree on no layouts.
  func primitive(_ draft: PrimitiveDraft, _ request: KernelRequest) throws -> (any Kernel)? {
    for lead in request.threads {
      setOpenMPThreads(lead)
      guard let chosen = try draft.choose(request) else { continue }
      if let kernel = try PrimitiveKernel(draft, chosen: chosen, lead: lead, for: request, on: handle) {
        return kernel
      }
    }
    return nil
  }

  /// The kernel with its packed weights reordered at every call into a layout that has a good implementation: for
  /// shapes that the layout chosen when the model was compiled does not suit.
  private func repacking(_ draft: PrimitiveDraft, _ request: KernelRequest) throws -> (any Kernel)? {
    guard
      let weights = draft.operands.first(where: { argument in
        guard argument.isPacked, argument.preparation == .none,
          let operand = request.optionalOperand(argument.index)
        else { return false }
        return operand.isWeight && operand.layout != .plain
      }), let operand = request.optionalOperand(weights.index)
    else { return nil }
    var loose = request.keeping(postOps: draft.fusion.count)
    loose.operands[weights.index]?.source = .activation
    guard let looseDraft = try self.draft(loose), looseDraft.fusion.count == loose.postOps.count,
      let kernel = try primitive(looseDraft, loose)
    else { return nil }
    let wanted = kernel.operandLayouts[weights.index]
    if wanted == operand.layout { return kernel }
    var builder = ChainBuilder(self, request)
    var places = builder.operandPlaces
    places[weights.index] = try builder.reorder(
      places[weights.index], operand.elementType, operand.shape, from: operand.layout, to: wanted)
    builder.append(kernel, places, builder.resultPlaces)
    var operandLayouts = kernel.operandLayouts
    operandLayouts[weights.index] = operand.layout
    return builder.finish(operandLayouts: operandLayouts, resultLayouts: kernel.resultLayouts)
  }

  /// `base`, then the request's post-ops from `first` on, each a kernel of its own.
  private func chain(_ base: any Kernel, after first: Int, _ request: KernelRequest) throws -> (any Kernel)? {
    guard let result = request.optionalResult(0) else { return nil }
    var builder = ChainBuilder(self, request)
    var operandLayouts = base.operandLayouts
    var layout = base.resultLayouts[0]
    let rest = request.postOps[first...]
    var seen = Set(request.postOps.prefix(first).compactMap(\.operand))
    var place = try builder.scratch(result.elementType, result.shape, layout)
    builder.append(base, builder.operandPlaces, [place] + builder.resultPlaces.dropFirst())
    for (position, postOp) in zip(rest.indices, rest) {
      var operands: [Operand?] = [
        Operand(elementType: result.elementType, shape: result.shape, layout: layout)
      ]
      var places: [ChainKernel.Place?] = [place]
      let op: Op
      var extra: Int?
      switch postOp {
      case .unary(let function): op = .unary(function)
      case .binary(let function, let index):
        op = .binary(function)
        extra = index
        operands.append(request.optionalOperand(index))
        if seen.contains(index) { operands[1]?.layout = operandLayouts[index] }
        places.append(.operand(index))
      }
      let step = KernelRequest(
        model: request.model, node: request.node, op: op, operands: operands, results: [result],
        threads: request.threads)
      guard let kernel = try kernel(step) ?? PortableKernel.make(step) else { return nil }
      if kernel.operandLayouts[0] != layout {
        places[0] = try builder.reorder(
          place, result.elementType, result.shape, from: layout, to: kernel.operandLayouts[0])
      }
      if let extra, let operand = request.optionalOperand(extra), operand.immediate == nil {
        // As it comes, unless the kernels before want it otherwise.
        if seen.insert(extra).inserted { operandLayouts[extra] = operand.layout }
        let wanted = kernel.operandLayouts[1]
        if operandLayouts[extra] != wanted {
          places[1] = try builder.reorder(
            .operand(extra), operand.elementType, operand.shape, from: operandLayouts[extra], to: wanted)
        }
      }
      layout = kernel.resultLayouts[0]
      place =
        position == request.postOps.count - 1
        ? .result(0) : try builder.scratch(result.elementType, result.shape, layout)
      builder.append(kernel, places, [place])
    }
    return builder.finish(
      operandLayouts: operandLayouts, resultLayouts: [layout] + base.resultLayouts.dropFirst())
  }
}

/// Puts a ``ChainKernel`` together.
struct ChainBuilder {
  private let engine: OneDNNEngine
  private let request: KernelRequest
  private var links: [ChainKernel.Link] = []
  private var bytes = 0

  init(_ engine: OneDNNEngine, _ request: KernelRequest) {
    self.engine = engine
    self.request = request
  }

  /// The request's operands and results, each in its own place.
  var operandPlaces: [ChainKernel.Place?] {
    request.operands.indices.map { request.operands[$0] == nil ? nil : .operand($0) }
  }
  var resultPlaces: [ChainKernel.Place?] {
    request.results.indices.map { request.results[$0] == nil ? nil : .result($0) }
  }

  /// Room for an intermediate tensor.
  mutating func scratch(_ type: ElementType, _ shape: Shape, _ layout: Layout) throws -> ChainKernel.Place {
    defer { bytes = aligned(bytes) }
    let offset = bytes
    bytes += try engine.byteCount(of: type, shape, in: layout)
    return .scratch(offset)
  }

  mutating func append(
    _ kernel: any Kernel, _ operands: [ChainKernel.Place?], _ results: [ChainKernel.Place?]
  ) {
    links.append(ChainKernel.Link(kernel: kernel, operands: operands, results: results))
  }

  /// Adds a copy of what is at `place`, in another layout; the result is where that is.
  mutating func reorder(
    _ place: ChainKernel.Place?, _ type: ElementType, _ shape: Shape, from layout: Layout, to wanted: Layout
  ) throws -> ChainKernel.Place {
    let step = KernelRequest(
      model: request.model, node: request.node, op: .identity,
      operands: [Operand(elementType: type, shape: shape, layout: layout)], results: [.init(type, shape)],
      threads: request.threads)
    let copy = try scratch(type, shape, wanted)
    append(try engine.makeReorder(step, to: wanted), [place], [copy])
    return copy
  }

  func finish(operandLayouts: [Layout], resultLayouts: [Layout]) -> ChainKernel {
    ChainKernel(
      links, operandLayouts: operandLayouts, resultLayouts: resultLayouts, intermediateBytes: bytes)
  }
}
