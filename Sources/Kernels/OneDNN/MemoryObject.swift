import CDNNL
import CKernelLibrary

/// A descriptor with an address: what a primitive is executed on. Used by one thread at a time.
final class MemoryObject {
  let raw: dnnl_memory_t

  /// Memory of an execution argument of `primitive`, laid out as that wants it. Points nowhere until it is told to.
  init(of argument: Int32, in primitive: Primitive?, on engine: EngineHandle) throws {
    guard let descriptor = primitive?.descriptor(of: argument) else {
      throw LibraryFailure(function: "dnnl_primitive_desc_query_md", status: dnnl_invalid_arguments)
    }
    var raw: dnnl_memory_t?
    // The library copies the descriptor.
    try check(fi_dnnl_memory_create(&raw, descriptor, engine.raw, nil), "dnnl_memory_create")
    guard let raw else {
      throw LibraryFailure(function: "dnnl_memory_create", status: dnnl_runtime_error)
    }
    self.raw = raw
  }

  func point(to address: UnsafeMutableRawPointer?) throws {
    try check(fi_dnnl_memory_set_data_handle(raw, address), "dnnl_memory_set_data_handle")
  }

  deinit { dnnl_memory_destroy(raw) }
}
