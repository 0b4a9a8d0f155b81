import CDNNL
import CKernelLibrary

/// oneDNN's CPU engine.
///
/// @unchecked Sendable: the library's engines may be used from any thread; the handle never changes.
final class EngineHandle: @unchecked Sendable {
  let raw: dnnl_engine_t

  /// - Throws: ``LibraryFailure`` when the library has no CPU engine.
  init() throws {
    var raw: dnnl_engine_t?
    try check(fi_dnnl_engine_create(&raw, dnnl_cpu, 0), "dnnl_engine_create")
    guard let raw else {
      throw LibraryFailure(function: "dnnl_engine_create", status: dnnl_runtime_error)
    }
    self.raw = raw
  }

  deinit { dnnl_engine_destroy(raw) }
}

/// An in-order stream: what a call of a kernel executes its primitives on. Used by one thread at a time.
final class StreamHandle {
  let raw: dnnl_stream_t

  init(on engine: EngineHandle) throws {
    var raw: dnnl_stream_t?
    try check(
      fi_dnnl_stream_create(&raw, engine.raw, UInt32(dnnl_stream_in_order.rawValue)), "dnnl_stream_create")
    guard let raw else {
      throw LibraryFailure(function: "dnnl_stream_create", status: dnnl_runtime_error)
    }
    self.raw = raw
  }

  /// Returns when everything that was executed on the stream is done.
  func wait() throws { try check(fi_dnnl_stream_wait(raw), "dnnl_stream_wait") }

  deinit { dnnl_stream_destroy(raw) }
}
