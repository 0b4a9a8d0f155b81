import CElements
import Device
import ModelGraph
import Tensors

extension Unary: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.kernel(request) { try engine.elements($0, function) ?? engine.watchedFunction($0, function) }
  }
}

extension Binary: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.kernel(request) { try engine.elements($0, function) ?? engine.parametricRelu($0) }
  }
}

extension OneDNNEngine {
  /// `Relu` and `Clip`, and the functions that the library rounds too coarsely, in the layout that the operand comes in; `nil` for
  /// others.
  fileprivate func elements(_ request: KernelRequest, _ function: UnaryFunction) throws -> (any Kernel)? {
    guard let elements = fi_elements(function), request.isAllFloat, let y = request.optionalResult(0),
      let x = request.ownOperand(0), x.shape == y.shape, x.immediate == nil
    else { return nil }
    return try elementKernel(request, elements, whole: [0])
  }

  /// The larger and the smaller of two operands of one shape or of one and a number, in the layout that they come in; `nil`
  /// for others.
  fileprivate func elements(_ request: KernelRequest, _ function: BinaryFunction) throws -> (any Kernel)? {
    guard function == .maximum || function == .minimum, request.isAllFloat,
      let y = request.optionalResult(0), let a = request.ownOperand(0), let b = request.ownOperand(1)
    else { return nil }
    for (index, other) in [(0, b), (1, a)] where request.ownOperand(index)?.shape == y.shape {
      guard request.ownOperand(index)?.immediate == nil, let number = other.number, !number.isNaN else {
        continue
      }
      return try elementKernel(request, fi_elements(function, number), whole: [index])
    }
    guard a.shape == y.shape, b.shape == y.shape, a.immediate == nil, b.immediate == nil else { return nil }
    var elements = fi_elements()
    elements.function = function == .maximum ? FI_ELEMENTS_LARGER : FI_ELEMENTS_SMALLER
    return try elementKernel(request, elements, whole: [0, 1])
  }

  /// - Parameter whole: the operands that the kernel reads, all of the result's shape.
  private func elementKernel(_ request: KernelRequest, _ elements: fi_elements, whole: [Int]) throws -> (
    any Kernel
  )? {
    let operands = whole.compactMap { request.ownOperand($0) }
    guard let first = operands.first else { return nil }
    // A weight's layout is final, and a blocked one costs more to leave than a plain one.
    let chosen = operands.first(where: \.isWeight) ?? operands.first { $0.layout != .plain } ?? first
    guard operands.allSatisfy({ !$0.isWeight || $0.layout == chosen.layout }),
      let count = try floats(in: chosen.layout, of: chosen.shape, wherePaddingStays: elements.keepsZero)
    else { return nil }
    return ElementKernel(request, elements, whole: whole, layout: chosen.layout, count: count)
  }

  /// `PRelu`: the library's product, in the layout that x comes in, and a choice; `nil` for others. The library's own adds
  /// products with 0, which are no numbers if the slope is not finite.
  fileprivate func parametricRelu(_ request: KernelRequest) throws -> (any Kernel)? {
    guard request.op == .binary(.parametricRelu), request.isAllFloat,
      let x = request.ownOperand(0), let slope = request.ownOperand(1), x.immediate == nil,
      slope.number == nil, let y = request.optionalResult(0), x.shape == y.shape
    else { return nil }
    var product = request
    product.op = .binary(.multiply)
    guard let draft = try binary(product, .multiply), draft.fusion.count == 0,
      let multiply = try primitive(draft, product), !multiply.isReference,
      multiply.operandLayouts[0] == multiply.resultLayouts[0]
    else { return nil }
    var choice = request
    choice.operands = [x, Operand(elementType: .float32, shape: x.shape, source: .activation)].map {
      operand in
      var operand = operand
      operand.layout = multiply.resultLayouts[0]
      return operand
    }
    var elements = fi_elements()
    elements.function = FI_ELEMENTS_BELOW_ZERO
    guard let choose = try elementKernel(choice, elements, whole: [0, 1]) else { return nil }
    var builder = ChainBuilder(self, request)
    builder.append(multiply, builder.operandPlaces, [.result(0)])
    builder.append(choose, [.operand(0), .result(0)], [.result(0)])
    return builder.finish(operandLayouts: multiply.operandLayouts, resultLayouts: multiply.resultLayouts)
  }

  /// The numbers that a tensor of floats has in memory; `nil` when some are padding, which has to be zero, and that would not
  /// stay.
  func floats(in layout: Layout, of shape: Shape, wherePaddingStays isZeroKept: Bool) throws -> Int? {
    let count = try byteCount(of: .float32, shape, in: layout) / MemoryLayout<Float>.size
    return isZeroKept || count == shape.elementCount ? count : nil
  }
}

extension fi_elements {
  fileprivate init?(_ function: UnaryFunction) {
    self.init()
    switch function {
    case .relu: self.function = FI_ELEMENTS_RELU
    case .clip(let minimum, let maximum):
      (self.function, low, high) = (FI_ELEMENTS_CLIP, Float(minimum), Float(maximum))
    case .softplus: self.function = FI_ELEMENTS_SOFTPLUS
    case .mish: self.function = FI_ELEMENTS_MISH
    case .logarithm: self.function = FI_ELEMENTS_LOGARITHM
    default: return nil
    }
  }

  fileprivate init(_ function: BinaryFunction, _ number: Float) {
    self.init()
    self.function = FI_ELEMENTS_CLIP
    (low, high) = function == .maximum ? (number, .infinity) : (-.infinity, number)
  }

  /// True when zeros become zeros.
  fileprivate var keepsZero: Bool {
    switch function {
    case FI_ELEMENTS_CLIP: !(low > 0) && !(high < 0)
    case FI_ELEMENTS_SOFTPLUS, FI_ELEMENTS_LOGARITHM: false
    default: true
    }
  }
}

/// A function of each element, which keeps what is not a number.
///
/// @unchecked Sendable: the pointers in `elements` are empty until a call fills its own copy.
private final class ElementKernel: Kernel, @unchecked Sendable {
  let implementation = "elements"
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let inPlaceOperands: [Int]
  private let elements: fi_elements
  private let whole: [Int]
  private let count: Int

  init(_ request: KernelRequest, _ elements: fi_elements, whole: [Int], layout: Layout, count: Int) {
    var layouts = request.operands.map { _ in Layout.plain }
    for index in whole { layouts[index] = layout }
    operandLayouts = layouts
    resultLayouts = [layout]
    inPlaceOperands = whole
    self.elements = elements
    self.whole = whole
    self.count = count
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    let host = try HostMemory.of(memory)
    // The plan gave each place the bytes of its layout; device memory holds plain numbers alone.
    func numbers(_ location: Location?) throws -> UnsafeMutablePointer<Float> {
      guard let location else {
        throw DeviceError(.invalidArgument, "no memory was given for an operand or the result")
      }
      return try host.pointer(location).assumingMemoryBound(to: Float.self)
    }
    var elements = elements
    elements.first = UnsafePointer(try numbers(call.operands[whole[0]]))
    if whole.count > 1 { elements.second = UnsafePointer(try numbers(call.operands[whole[1]])) }
    elements.result = try numbers(call.results[0])
    elements.count = count
    fi_elements_run(&elements, Int32(clamping: threads))
  }
}
