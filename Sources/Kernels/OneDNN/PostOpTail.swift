import Device
import ModelGraph
import Tensors

extension OneDNNEngine {
  /// `base`, then the request's post-ops from `first` on, each a kernel of its own, in place where it can be.
  func chain(_ base: any Kernel, after first: Int, _ request: KernelRequest) throws -> (any Kernel)? {
    guard let result = request.optionalResult(0) else { return nil }
    var tail = PostOpTail(base, request, result, after: first)
    for postOp in request.postOps[first...] {
      let step = tail.request(for: postOp)
      guard let kernel = try kernel(step) ?? PortableKernel.make(step) else { return nil }
      tail.append(kernel, postOp)
    }
    return try tail.finish(self)
  }
}

/// Post-ops that run behind a kernel.
private struct PostOpTail {
  private struct Step {
    var kernel: any Kernel
    /// The layout of what comes before.
    var given: Layout
    /// The post-op's own operand, and the layout that it has.
    var operand: (index: Int, layout: Layout)?

    /// True when the step's result may lie where what comes before lies.
    var isInPlace: Bool {
      kernel.operandLayouts[0] == given && kernel.resultLayouts[0] == given
        && kernel.inPlaceOperands.contains(0)
    }
  }

  private let base: any Kernel
  /// The request that the base is a kernel for.
  private let head: KernelRequest
  private let whole: KernelRequest
  private let result: KernelRequest.ResultType
  private var steps: [Step] = []
  private var layout: Layout
  private var operandLayouts: [Layout]
  /// Operands whose layouts earlier kernels have settled.
  private var settled: Set<Int>

  init(_ base: any Kernel, _ request: KernelRequest, _ result: KernelRequest.ResultType, after first: Int) {
    self.base = base
    head = request.keeping(postOps: first)
    whole = request
    self.result = result
    layout = base.resultLayouts[0]
    operandLayouts = base.operandLayouts
    settled = Set(head.postOps.compactMap(\.operand))
  }

  /// The layout that the post-op's operand has: as it comes, unless a kernel before wants it otherwise.
  private func layout(ofOperand index: Int) -> Layout {
    settled.contains(index) ? operandLayouts[index] : whole.optionalOperand(index)?.layout ?? .plain
  }

  /// Returns the kernel request for the next post-op.
  func request(for postOp: PostOpRequest) -> KernelRequest {
    let before = Operand(elementType: result.elementType, shape: result.shape, layout: layout)
    var operands: [Operand?] = [before]
    let op: Op
    switch postOp {
    case .unary(let function): op = .unary(function)
    case .binary(let function, let index):
      op = .binary(function)
      var operand = whole.optionalOperand(index)
      operand?.layout = layout(ofOperand: index)
      operands.append(operand)
    }
    return KernelRequest(
      model: whole.model, node: whole.node, op: op, operands: operands, results: [result],
      threads: whole.threads)
  }

  mutating func append(_ kernel: any Kernel, _ postOp: PostOpRequest) {
    var step = Step(kernel: kernel, given: layout)
    if let index = postOp.operand {
      let given = layout(ofOperand: index)
      step.operand = (index, given)
      operandLayouts[index] = given
      settled.insert(index)
    }
    steps.append(step)
    layout = kernel.resultLayouts[0]
  }

  func finish(_ engine: OneDNNEngine) throws -> any Kernel {
    var builder = ChainBuilder(engine, whole)
    // From the back: where each step leaves its result.
    var places: [ChainKernel.Place] = [.result(0)]
    for step in steps.reversed() {
      let next = places[places.count - 1]
      places.append(
        step.isInPlace ? next : try builder.scratch(result.elementType, result.shape, step.given))
    }
    places.reverse()
    // The base may take an operand of a later post-op for an optional one of its own.
    builder.append(base, head.operandPlaces, [places[0]] + builder.resultPlaces.dropFirst())
    for (position, step) in steps.enumerated() {
      var operands: [ChainKernel.Place?] = [places[position]]
      let wanted = step.kernel.operandLayouts
      if step.given != wanted[0] {
        operands[0] = try builder.reorder(
          places[position], result.elementType, result.shape, from: step.given, to: wanted[0])
      }
      if let (index, given) = step.operand, let operand = whole.optionalOperand(index) {
        let isReordered = operand.immediate == nil && given != wanted[1]
        operands.append(
          isReordered
            ? try builder.reorder(
              .operand(index), operand.elementType, operand.shape, from: given, to: wanted[1])
            : .operand(index))
      }
      builder.append(step.kernel, operands, [places[position + 1]])
    }
    return builder.finish(
      operandLayouts: operandLayouts, resultLayouts: [layout] + base.resultLayouts.dropFirst())
  }
}
