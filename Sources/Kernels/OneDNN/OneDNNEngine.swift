import CDNNL
import CKernelLibrary
import CHost
import Device
import ModelGraph
import Tensors

/// The `cpu` device's access to oneDNN.
final class OneDNNEngine: Sendable {
  let target: Target
  let handle: EngineHandle

  /// The thread counts that packed weights have to serve well, whatever this machine has.
  private static let packingThreads = [1, 2, 4]

  /// - Throws: ``DeviceError`` when oneDNN has no CPU engine.
  init() throws {
    do {
      handle = try EngineHandle()
      try PrimitiveCache.shared.prepare()
    } catch let failure as LibraryFailure {
      throw DeviceError(.kernelLibrary, "oneDNN: \(failure)")
    }
    target = Target(device: "cpu", instructionSet: instructionSetName(), library: libraryName())
  }

  /// Bytes that a tensor takes in `layout`.
  func byteCount(of elementType: ElementType, _ shape: Shape, in layout: Layout) throws -> Int {
    if layout == .plain {
      guard let bytes = elementType.byteCount(of: shape.elementCount) else {
        throw DeviceError(.invalidArgument, "a tensor \(elementType)\(shape) is too large")
      }
      return bytes
    }
    return try describing(elementType, shape) {
      try StoredLayout(layout, of: elementType, shape).descriptor().byteCount
    }
  }

  /// The layouts to pack the request's weights to; `nil` when oneDNN has no kernel for it.
  func packing(for request: KernelRequest) throws -> [Layout?]? {
    var request = request
    // Not the machine's thread count: a compiled model serves any.
    request.threads = [1]
    guard request.suitsLibrary else { return nil }
    return try reporting(request) {
      // Post-ops that cannot be fused are kernels of their own.
      guard let (draft, chosen) = try chosen(request) ?? chosen(request.keeping(postOps: 0)) else {
        return nil
      }
      var layouts: [Layout?] = request.operands.map { _ in nil }
      for argument in draft.operands where argument.isPacked {
        guard request.optionalOperand(argument.index)?.isWeight == true,
          let memory = try chosen.descriptor(of: argument.number),
          let layout = try argument.layout(memory)
        else { continue }
        layouts[argument.index] = layout == .plain ? nil : layout
      }
      return layouts
    }
  }

  private func chosen(_ request: KernelRequest) throws -> (PrimitiveDraft, PrimitiveDescriptor)? {
    guard let draft = try draft(request),
      let chosen = try draft.choose(request, lead: 1, agreeing: Self.packingThreads, packing: true)
    else { return nil }
    return (draft, chosen)
  }

  /// The bytes of `tensor` in `layout`.
  func pack(_ tensor: Tensor, as layout: Layout) throws -> TensorBuffer {
    try describing(tensor.elementType, tensor.shape) {
      if layout == .plain {
        return try TensorBuffer(byteCount: tensor.byteCount) { bytes in
          tensor.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }
      }
      let stored = try StoredLayout(layout, of: tensor.elementType, tensor.shape)
      return try Kernels.pack(
        tensor, stored.preparation, as: stored.view, into: stored.descriptor(), on: handle)
    }
  }

  /// A kernel for the request; `nil` when oneDNN has none, or none that is safe at these sizes.
  func makeKernel(_ request: KernelRequest) throws -> (any Kernel)? {
    guard request.suitsLibrary else { return nil }
    return try reporting(request) { try kernel(request) }
  }

  /// Choosing implementations maps some 10 MB of the library's code that running them does not need, and leaves holes in
  /// the heap and primitives in the library's cache. Half a millisecond. Another thread that makes a plan meanwhile
  /// makes some primitives twice.
  func giveBackUnused() {
    PrimitiveCache.shared.clear()
    fi_library_forget(dnnl_version())
    fi_heap_trim()
  }

  private func describing<Result>(
    _ elementType: ElementType, _ shape: Shape, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch let failure as LibraryFailure {
      throw DeviceError(.kernelLibrary, "oneDNN: a tensor \(elementType)\(shape): \(failure)")
    }
  }
}

private func libraryName() -> String {
  guard let version = dnnl_version()?.pointee else { return "onednn" }
  return "onednn-\(version.major).\(version.minor).\(version.patch)"
}

private func instructionSetName() -> String {
  switch dnnl_get_effective_cpu_isa() {
  case dnnl_cpu_isa_sse41: "sse41"
  case dnnl_cpu_isa_avx: "avx"
  case dnnl_cpu_isa_avx2: "avx2"
  case dnnl_cpu_isa_avx2_vnni: "avx2_vnni"
  case dnnl_cpu_isa_avx2_vnni_2: "avx2_vnni_2"
  case dnnl_cpu_isa_avx512_core: "avx512_core"
  case dnnl_cpu_isa_avx512_core_vnni: "avx512_core_vnni"
  case dnnl_cpu_isa_avx512_core_bf16: "avx512_core_bf16"
  case dnnl_cpu_isa_avx512_core_fp16: "avx512_core_fp16"
  case dnnl_cpu_isa_avx512_core_amx: "avx512_core_amx"
  case dnnl_cpu_isa_avx512_core_amx_fp16: "avx512_core_amx_fp16"
  case let other: "isa-\(other.rawValue)"
  }
}
