import CDNNL

/// A descriptor with an address: what a primitive is executed on. Used by one thread at a time.
final class MemoryObject {
  let raw: dnnl_memory_t

  /// Points nowhere until it is told to.
  init(_ descriptor: MemoryDescriptor, on engine: EngineHandle) throws {
    var raw: dnnl_memory_t?
    try check(dnnl_memory_create(&raw, descriptor.raw, engine.raw, nil), "dnnl_memory_create")
    guard let raw else {
      throw LibraryFailure(function: "dnnl_memory_create", status: dnnl_runtime_error)
    }
    self.raw = raw
  }

  func point(to address: UnsafeMutableRawPointer?) throws {
    try check(dnnl_memory_set_data_handle(raw, address), "dnnl_memory_set_data_handle")
  }

  deinit { dnnl_memory_destroy(raw) }
}
