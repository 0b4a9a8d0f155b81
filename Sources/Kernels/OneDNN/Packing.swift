import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

/// The elements of `tensor`, prepared and laid out as `descriptor` says; for that they are seen as `view`.
func pack(
  _ tensor: Tensor, _ preparation: StoredLayout.Preparation, as view: TensorView,
  into descriptor: MemoryDescriptor, on engine: EngineHandle
) throws -> TensorBuffer {
  let prepared = try preparation.apply(to: tensor)
  let source = try view.descriptor(descriptor.dataType)
  setOpenMPThreads(1)
  let chosen = try reorderDescriptor(from: source, to: descriptor, Attributes(), on: engine)
  guard let chosen else {
    throw LibraryFailure(function: "dnnl_reorder_primitive_desc_create", status: dnnl_unimplemented)
  }
  let program = PrimitiveProgram(
    [try Primitive(chosen)], [.init(DNNL_ARG_FROM, .operand(0)), .init(DNNL_ARG_TO, .result(0))],
    on: engine)
  let scratch = try TensorBuffer(byteCount: program.scratchBytes) { _ in }
  return try TensorBuffer(byteCount: descriptor.byteCount) { bytes in
    // Layouts pad with zeros.
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    try prepared.withUnsafeBytes { elements in
      // The library reads the one, and writes the scratch memory, which nobody else sees.
      try program.makeContext().run(
        at: [UnsafeMutableRawPointer(mutating: elements.baseAddress), bytes.baseAddress],
        scratch: UnsafeMutableRawPointer(mutating: scratch.bytes.baseAddress))
    }
  }
}

/// A copy between two layouts; `nil` when oneDNN has none.
func reorderDescriptor(
  from source: MemoryDescriptor, to target: MemoryDescriptor, _ attributes: Attributes,
  on engine: EngineHandle
) throws -> PrimitiveDescriptor? {
  try PrimitiveDescriptor("dnnl_reorder_primitive_desc_create") {
    fi_dnnl_reorder_primitive_desc_create(
      $0, source.raw, engine.raw, target.raw, engine.raw, attributes.raw)
  }
}

extension StoredLayout.Preparation {
  /// The tensor whose elements are laid out, in aligned memory.
  func apply(to tensor: Tensor) throws -> Tensor {
    self == .none ? try tensor.aligned() : try recurrent(tensor)
  }
}

extension Tensor {
  /// The tensor itself when its bytes are aligned for vector code, else a copy that is.
  fileprivate func aligned() throws -> Tensor {
    let isAligned = withUnsafeBytes { UInt(bitPattern: $0.baseAddress) % 64 == 0 }
    if isAligned { return self }
    return try Tensor(elementType: elementType, shape: shape) { bytes in
      withUnsafeBytes { bytes.copyMemory(from: $0) }
    }
  }
}
