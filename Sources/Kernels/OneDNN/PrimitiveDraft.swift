import CDNNL
import Device
import ModelGraph
import Tensors

/// A primitive before its layouts are chosen: what it is given, what it may choose, and how to ask oneDNN for it.
struct PrimitiveDraft {
  /// Descriptors by execution argument. The primitive chooses the layout of arguments without a descriptor.
  typealias Pins = [Int32: MemoryDescriptor]

  /// An operand or a result of the request as the primitive takes it.
  struct Argument {
    var number: Int32
    /// The operand's or the result's index in the request.
    var index: Int
    var view: TensorView
    /// True for a weight whose layout the primitive chooses when the model is compiled.
    var isPacked = false
    /// The preparation of the elements before they are packed.
    var preparation: StoredLayout.Preparation = .none
    /// The layout that it has for others, where the primitive's own descriptor says something else about the memory
    /// (axes in another order, a part of it).
    var layout: Layout?

    /// The layout for others, when the primitive's is `descriptor`; `nil` when it cannot be kept.
    func layout(_ descriptor: MemoryDescriptor) throws -> Layout? {
      if let layout { return layout }
      return try isPacked
        ? Layout(packing: descriptor, of: view, preparation) : Layout(descriptor, of: view)
    }
  }

  var operands: [Argument] = []
  var results: [Argument] = []
  /// The operands in whose memory the first result may lie.
  var inPlaceOperands: [Int] = []
  /// ``Kernel/partOffsets`` when these are the layouts.
  var partOffsets: (_ pins: Pins) throws -> [Int]? = { _ in nil }
  /// Layouts to try, best first: the first that gets an optimised implementation is taken.
  var candidates: [Pins] = [[:]]
  var fusion = PostOpFusion()
  /// False when portable code is better than the library's plain loops.
  var allowsReference = true
  /// Bytes that a compiled primitive of an implementation keeps beside its code.
  var tableBytes: (_ implementation: String) -> Int = { _ in 0 }
  /// Asks the library; `nil` when it has nothing.
  var describe: (_ pins: Pins, _ attributes: Attributes) throws -> PrimitiveDescriptor?

  init(describe: @escaping (_ pins: Pins, _ attributes: Attributes) throws -> PrimitiveDescriptor?) {
    self.describe = describe
  }

  /// The descriptor to ask with for `argument`.
  static func descriptor(_ argument: Int32, _ dims: [Int], in pins: Pins) throws -> MemoryDescriptor {
    try pins[argument] ?? .any(dims)
  }
}

extension PrimitiveDraft {
  /// The operands of the fused post-ops, which are arguments too.
  private var postOpArguments: [Argument] {
    fusion.arguments.map { Argument(number: $0.argument, index: $0.operand.index, view: $0.operand.view) }
  }

  /// Every operand, those of the fused post-ops included.
  var allOperands: [Argument] { operands + postOpArguments }

  /// Asks for the primitive with these layouts.
  func describe(_ pins: Pins) throws -> PrimitiveDescriptor? {
    let binaries = try fusion.arguments.map { argument, operand in
      try pins[argument]
        ?? (operand.isFull ? .any(operand.view.dims) : operand.view.descriptor())
    }
    return try describe(pins, Attributes(fusion.postOps, binaries: binaries))
  }

  /// Returns the pins of weights in their final layouts and of plain biases.
  /// - Parameter packing: true if packed weights may still choose their layout.
  /// - Returns: `nil` if a weight has a layout that the primitive does not accept.
  private func finalPins(_ request: KernelRequest, packing: Bool) throws -> Pins? {
    var pins: Pins = [:]
    for argument in allOperands {
      guard let operand = request.optionalOperand(argument.index), case .weight = operand.source else {
        continue
      }
      if packing, argument.isPacked { continue }
      // Prepared weights lie plain nowhere.
      guard argument.preparation == .none || operand.layout != .plain else { return nil }
      guard let descriptor = try operand.descriptor(as: argument.view) else { return nil }
      pins[argument.number] = descriptor
    }
    return pins
  }

  /// The implementation and the layouts for `lead` threads; `nil` when there is none.
  /// - Parameter threads: the thread counts that have to have an optimised implementation with the same layouts, for
  ///   the choice to be a good one.
  func choose(
    _ request: KernelRequest, lead: Int, agreeing threads: [Int], packing: Bool = false
  ) throws -> PrimitiveDescriptor? {
    let made = Set(results.map(\.index))
    guard request.results.indices.allSatisfy({ request.results[$0] == nil || made.contains($0) }),
      let final = try finalPins(request, packing: packing)
    else { return nil }
    var best: PrimitiveDescriptor?
    for candidate in candidates {
      let pins = candidate.merging(final) { _, pinned in pinned }
      setOpenMPThreads(lead)
      guard let found = try describe(pins), try isKeepable(found, request) else { continue }
      if fusion.losesNaNInPlainLoops, found.mayApplyPostOpsInPlainLoops { continue }
      if found.grade == .optimised, try isOptimised(found, for: threads.filter { $0 != lead }) {
        return found
      }
      if found.grade > best?.grade ?? .reference || best == nil { best = found }
    }
    return allowsReference || best?.grade != .reference ? best : nil
  }

  private func isOptimised(_ chosen: PrimitiveDescriptor, for threads: [Int]) throws -> Bool {
    let pins = try pins(from: chosen)
    return try threads.allSatisfy { count in
      setOpenMPThreads(count)
      return try describe(pins)?.grade == .optimised
    }
  }

  /// True when every layout that others see can be kept as a ``Layout``.
  private func isKeepable(_ descriptor: PrimitiveDescriptor, _ request: KernelRequest) throws -> Bool {
    for argument in allOperands + results where request.optionalOperand(argument.index)?.immediate == nil {
      guard let memory = try descriptor.descriptor(of: argument.number),
        try argument.layout(memory) != nil
      else { return false }
    }
    return true
  }

  /// The layouts of everything in `chosen`.
  func pins(from chosen: PrimitiveDescriptor) throws -> Pins {
    var pins: Pins = [:]
    for argument in allOperands + results {
      pins[argument.number] = try chosen.descriptor(of: argument.number)
    }
    return pins
  }
}
