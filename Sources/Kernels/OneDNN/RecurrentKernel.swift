import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension LSTM: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.recurrentDraft(request, recurrent)
  }
}

extension LSTM: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.recurrent(request, recurrent)
  }
}

extension GRU: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.recurrentDraft(request, recurrent)
  }
}

extension GRU: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.recurrent(request, recurrent)
  }
}

extension OneDNNEngine {
  /// oneDNN's LSTM, GRU and linear-before-reset GRU of one layer, for ONNX's: x [T, N, I] (batch first: [N, T, I]), w, r,
  /// b, sequence lengths, initial states; results y [T, D, N, H], y_h and y_c [D, N, H].
  ///
  /// Unused results go to scratch memory; a bidirectional y, whose directions oneDNN has side by side, is copied.
  fileprivate func recurrent(_ request: KernelRequest, _ op: Recurrent) throws -> (any Kernel)? {
    guard request.postOps.isEmpty, let sizes = RecurrentSizes(request, op) else { return nil }
    let whole = try sizes.whole(request)
    guard let draft = try recurrentDraft(whole, op), let kernel = try primitive(draft, whole) else {
      return nil
    }
    var builder = ChainBuilder(self, request)
    var results: [ChainKernel.Place?] = []
    for (index, type) in whole.results.enumerated() {
      guard let type else { continue }
      let isDirect = request.optionalResult(index) != nil && (index > 0 || sizes.directions == 1)
      results.append(
        isDirect ? .result(index) : try builder.scratch(type.elementType, type.shape, .plain))
    }
    builder.append(kernel, builder.operandPlaces, results)
    if sizes.directions == 2, request.optionalResult(0) != nil {
      guard let copy = try copy(request, from: sizes.sideBySide, to: sizes.result) else { return nil }
      builder.append(copy, [results[0]], [.result(0)])
    }
    return builder.finish(
      operandLayouts: Array(kernel.operandLayouts.prefix(request.operands.count)),
      resultLayouts: request.results.map { _ in .plain })
  }

  /// The primitive alone: all operands there, all results used, y with its directions side by side.
  func recurrentDraft(_ request: KernelRequest, _ op: Recurrent) throws -> PrimitiveDraft? {
    guard let sizes = RecurrentSizes(request, op) else { return nil }
    let request = try sizes.whole(request)
    let (src, dst) = (try sizes.input.descriptor(), try sizes.layerResult.descriptor())
    let state = TensorView([1] + sizes.stateShape)
    let states = try state.descriptor()
    let initial = sizes.hasInitialState ? states : nil
    let bias = try sizes.bias.descriptor()
    let attributes = try Attributes()
    var draft = PrimitiveDraft { [handle] pins, _ in
      let w = try PrimitiveDraft.descriptor(DNNL_ARG_WEIGHTS_LAYER, sizes.inputWeights.dims, in: pins)
      let r = try PrimitiveDraft.descriptor(DNNL_ARG_WEIGHTS_ITER, sizes.stateWeights.dims, in: pins)
      switch sizes.cell {
      case .lstm:
        return try PrimitiveDescriptor("dnnl_lstm_forward_primitive_desc_create") {
          fi_dnnl_lstm_forward_primitive_desc_create(
            $0, handle.raw, dnnl_forward_inference, sizes.direction, src.raw, initial?.raw, initial?.raw,
            w.raw, r.raw, nil, nil, bias.raw, dst.raw, states.raw, states.raw, 0, attributes.raw)
        }
      case .gru:
        return try PrimitiveDescriptor("dnnl_gru_forward_primitive_desc_create") {
          fi_dnnl_gru_forward_primitive_desc_create(
            $0, handle.raw, dnnl_forward_inference, sizes.direction, src.raw, initial?.raw, w.raw, r.raw,
            bias.raw, dst.raw, states.raw, 0, attributes.raw)
        }
      case .linearBeforeResetGRU:
        return try PrimitiveDescriptor("dnnl_lbr_gru_forward_primitive_desc_create") {
          fi_dnnl_lbr_gru_forward_primitive_desc_create(
            $0, handle.raw, dnnl_forward_inference, sizes.direction, src.raw, initial?.raw, w.raw, r.raw,
            bias.raw, dst.raw, states.raw, 0, attributes.raw)
        }
      }
    }
    let gates = sizes.cell == .lstm ? StoredLayout.Preparation.lstmGates : .none
    draft.operands = [
      .init(number: DNNL_ARG_SRC_LAYER, index: 0, view: sizes.input, layout: .plain),
      .init(
        number: DNNL_ARG_WEIGHTS_LAYER, index: 1, view: sizes.inputWeights, isPacked: true,
        preparation: gates),
      .init(
        number: DNNL_ARG_WEIGHTS_ITER, index: 2, view: sizes.stateWeights, isPacked: true, preparation: gates),
      .init(
        number: DNNL_ARG_BIAS, index: 3, view: sizes.bias, isPacked: true, preparation: sizes.biasPreparation),
    ]
    draft.results = [.init(number: DNNL_ARG_DST_LAYER, index: 0, view: sizes.layerResult, layout: .plain)]
    for (offset, index) in sizes.stateOperands.enumerated() {
      if sizes.hasInitialState {
        draft.operands.append(
          .init(number: DNNL_ARG_SRC_ITER + Int32(offset), index: index, view: state))
      }
      draft.results.append(
        .init(number: DNNL_ARG_DST_ITER + Int32(offset), index: 1 + offset, view: state))
    }
    // Prepared operands that are not known when the plan is made could not be brought into order.
    for argument in draft.operands where argument.preparation != .none {
      guard let operand = request.ownOperand(argument.index) else { return nil }
      if case .activation = operand.source { return nil }
    }
    let dense = [
      DNNL_ARG_WEIGHTS_LAYER: try MemoryDescriptor.dense(sizes.inputWeights.dims),
      DNNL_ARG_WEIGHTS_ITER: try MemoryDescriptor.dense(sizes.stateWeights.dims),
    ]
    draft.candidates = [[:], dense]
    return draft
  }
}

/// The sizes of a recurrent node, checked against each other.
private struct RecurrentSizes {
  enum Cell { case lstm, gru, linearBeforeResetGRU }

  let cell: Cell
  let directions: Int
  let direction: dnnl_rnn_direction_t
  let hasInitialState: Bool
  private let steps, batch, width, hidden: Int
  private let batchFirst: Bool

  init?(_ request: KernelRequest, _ op: Recurrent) {
    guard let x = request.ownOperand(0), let w = request.ownOperand(1),
      let r = request.ownOperand(2), x.shape.rank == 3, w.shape.rank == 3, r.shape.rank == 3,
      op.clip == nil, op.activations.isEmpty, !op.couplesForgetGate
    else { return nil }
    if request.op.is(LSTM.self) {
      cell = .lstm
    } else {
      cell = op.linearBeforeReset ? .linearBeforeResetGRU : .gru
    }
    switch op.direction {
    case .forward: direction = dnnl_unidirectional_left2right
    case .reverse: direction = dnnl_unidirectional_right2left
    case .bidirectional: direction = dnnl_bidirectional_concat
    }
    directions = op.direction == .bidirectional ? 2 : 1
    batchFirst = op.batchFirst
    steps = x.shape.dims[batchFirst ? 1 : 0]
    batch = x.shape.dims[batchFirst ? 0 : 1]
    width = x.shape.dims[2]
    hidden = op.hiddenSize
    let isLSTM = cell == .lstm
    let gates = isLSTM ? 4 : 3
    hasInitialState = request.ownOperand(5) != nil || (isLSTM && request.ownOperand(6) != nil)
    // Sequences of their own lengths and peepholes are left to portable code; batch-first states too.
    guard steps > 0, batch > 0, batch <= Window.largest, width > 0, hidden > 0, hidden <= 1 << 20,
      w.shape.dims == [directions, gates * hidden, width],
      r.shape.dims == [directions, gates * hidden, hidden], request.ownOperand(7) == nil,
      !batchFirst || batch == 1
    else { return nil }
    let bias = request.ownOperand(3)
    guard bias == nil || bias?.shape.dims == [directions, 2 * gates * hidden] else { return nil }
    if let lengths = request.ownOperand(4) {
      guard let known = lengths.immediate?.integers, known.allSatisfy({ [steps] in $0 == steps }) else {
        return nil
      }
    }
    for (index, operand) in request.operands.enumerated() where index != 4 {
      if let operand, operand.elementType != .float32 { return nil }
    }
    for index in stateOperands {
      guard let state = request.ownOperand(index) else { continue }
      guard state.shape.elementCount == stateShape.reduce(1, *) else { return nil }
    }
  }

  /// The request with all results used, and zeros for what the library must be given and ONNX leaves out.
  func whole(_ request: KernelRequest) throws -> KernelRequest {
    var whole = request
    func zeros(_ dims: [Int]) throws -> Operand {
      let shape = try Shape(checking: dims)
      return Operand(
        immediate: try Tensor(Array(repeating: Float(0), count: shape.elementCount), shape: shape))
    }
    while whole.operands.count <= stateOperands[stateOperands.count - 1] { whole.operands.append(nil) }
    whole.ownOperandCount = whole.operands.count
    if whole.operands[3] == nil { whole.operands[3] = try zeros([directions, 2 * gates * hidden]) }
    for index in stateOperands where hasInitialState && whole.operands[index] == nil {
      whole.operands[index] = try zeros(stateShape)
    }
    whole.results = try resultShapes.map { .init(.float32, try Shape(checking: $0)) }
    return whole
  }

  var gates: Int { cell == .lstm ? 4 : 3 }
  var stateShape: [Int] { [directions, batch, hidden] }
  /// The indices of the operands that hold initial states, in the order of the results that hold the final ones.
  var stateOperands: [Int] { cell == .lstm ? [5, 6] : [5] }
  var resultShapes: [[Int]] { [result.dims] + stateOperands.map { _ in stateShape } }

  var input: TensorView {
    batchFirst
      ? TensorView([steps, batch, width], strides: [width, steps * width, 1])
      : TensorView([steps, batch, width])
  }
  /// y as the primitive leaves it.
  var layerResult: TensorView { TensorView([steps, batch, directions * hidden]) }
  /// The same as y's axes see it, and y.
  var sideBySide: TensorView {
    let row = directions * hidden
    return TensorView(result.dims, strides: [batch * row, hidden, row, 1])
  }
  var result: TensorView { TensorView([steps, directions, batch, hidden]) }

  /// Weights along oneDNN's axes: layer, direction, input, gate, output.
  var inputWeights: TensorView { weights(width) }
  var stateWeights: TensorView { weights(hidden) }
  private func weights(_ inputs: Int) -> TensorView {
    let direction = gates * hidden * inputs
    return TensorView(
      [1, directions, inputs, gates, hidden],
      strides: [directions * direction, direction, 1, hidden * inputs, inputs])
  }

  var bias: TensorView { TensorView([1, directions, cell == .linearBeforeResetGRU ? 4 : gates, hidden]) }
  var biasPreparation: StoredLayout.Preparation {
    switch cell {
    case .lstm: .lstmBias
    case .gru: .gruBias
    case .linearBeforeResetGRU: .gruLinearBeforeResetBias
    }
  }
}
