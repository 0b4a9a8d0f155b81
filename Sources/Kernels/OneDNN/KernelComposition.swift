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
    if request.op.is(MatrixMultiply.self), request.ownOperand(2) != nil {
      forms.append(request.addingBias(at: 2))
    }
    if let form = request.withBiasBehindSums { forms.append(form) }
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
    guard let composed = request.op.base as? any ComposedOperator else { return try drafted(request) }
    return try composed.kernel(request, on: self)
  }

  /// The kernel that `make` has for the op alone, else the op's primitive; with the request's post-ops.
  func kernel(_ request: KernelRequest, preferring make: (KernelRequest) throws -> (any Kernel)?) throws -> (
    any Kernel
  )? {
    guard let kernel = try make(request.keeping(postOps: 0)) else { return try drafted(request) }
    return try chain(kernel, of: request)
  }

  /// The kernel of the op alone, with the request's post-ops behind it.
  func chain(_ kernel: any Kernel, of request: KernelRequest) throws -> (any Kernel)? {
    request.postOps.isEmpty ? kernel : try chain(kernel, after: 0, request)
  }

  /// The op's primitive with the post-ops that it fuses, and the others behind it.
  func drafted(_ request: KernelRequest) throws -> (any Kernel)? {
    guard let draft = try draft(request) else { return nil }
    if draft.fusion.losesNaN { return try watched(draft, request) }
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
      guard let chosen = try draft.choose(request, lead: lead, agreeing: request.threads) else { continue }
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
}
