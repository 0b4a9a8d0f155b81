import CDNNL
import CKernelLibrary

/// An implementation that oneDNN chose, with the layouts it works in. Immutable.
///
/// @unchecked Sendable: nothing changes behind the handle after it was made.
final class PrimitiveDescriptor: @unchecked Sendable {
  let raw: dnnl_primitive_desc_t

  /// The library's answer to what `make` asks for; `nil` when it has no implementation for it.
  /// - Parameter function: the C function that `make` calls.
  init?(
    _ function: String, _ make: (UnsafeMutablePointer<dnnl_primitive_desc_t?>) -> dnnl_status_t
  ) throws {
    var raw: dnnl_primitive_desc_t?
    let status = make(&raw)
    if status == dnnl_unimplemented { return nil }
    try check(status, function)
    guard let raw else { return nil }
    self.raw = raw
  }

  deinit { dnnl_primitive_desc_destroy(raw) }

  /// The library's name of the implementation, `brgconv:avx512_core` for example.
  var implementation: String {
    var name: UnsafePointer<CChar>?
    guard dnnl_primitive_desc_query(raw, dnnl_query_impl_info_str, 0, &name) == dnnl_success, let name else {
      return "unknown"
    }
    return String(cString: name)
  }

  /// The descriptor of an execution argument; `nil` when the primitive takes none of that number.
  func descriptor(of argument: Int32) throws -> MemoryDescriptor? {
    guard let descriptor = dnnl_primitive_desc_query_md(raw, dnnl_query_exec_arg_md, argument) else {
      return nil
    }
    return try MemoryDescriptor(copying: descriptor)
  }

  /// Bytes of scratch memory that an execution needs.
  var scratchBytes: Int {
    dnnl_primitive_desc_query_md(raw, dnnl_query_scratchpad_md, 0).map { dnnl_memory_desc_get_size($0) } ?? 0
  }

  /// The quality of the implementation.
  var grade: Grade { Grade(implementation) }

  /// True for implementations that apply post-ops in the library's plain loops, on some instruction set: those, detours
  /// through a matrix multiplication, and deconvolutions that are a convolution walked backwards.
  var mayApplyPostOpsInPlainLoops: Bool { grade != .optimised || implementation.hasPrefix("conv:") }
}

/// The quality of an implementation, judged by its name.
enum Grade: Int, Comparable {
  /// The library's plain loops.
  case reference
  /// A detour through a general matrix multiplication.
  case indirect
  case optimised

  init(_ implementation: String) {
    if implementation.contains("ref") {
      self = .reference
    } else if implementation.contains("gemm"), !implementation.contains("brg") {
      self = .indirect
    } else {
      self = .optimised
    }
  }

  static func < (a: Grade, b: Grade) -> Bool { a.rawValue < b.rawValue }
}

/// Compiled code of one implementation.
///
/// @unchecked Sendable: any number of threads may execute a primitive whose scratch memory comes from the caller.
final class Primitive: @unchecked Sendable {
  let raw: dnnl_primitive_t

  init(_ descriptor: PrimitiveDescriptor) throws {
    var raw: dnnl_primitive_t?
    try check(fi_dnnl_primitive_create(&raw, descriptor.raw), "dnnl_primitive_create")
    guard let raw else {
      throw LibraryFailure(function: "dnnl_primitive_create", status: dnnl_runtime_error)
    }
    self.raw = raw
  }

  deinit { dnnl_primitive_destroy(raw) }

  /// The descriptor of an execution argument, which lives as long as the primitive; `nil` when it takes none of that number.
  func descriptor(of argument: Int32) -> const_dnnl_memory_desc_t? {
    description.flatMap { dnnl_primitive_desc_query_md($0, dnnl_query_exec_arg_md, argument) }
  }

  /// Equal for primitives that the library has in common, as long as one of them lives: the address of a description that
  /// belongs to what they share. `nil` when the library does not say.
  var identity: UInt? {
    (descriptor(of: DNNL_ARG_DST) ?? descriptor(of: DNNL_ARG_SRC)).map { UInt(bitPattern: $0) }
  }

  /// Bytes of scratch memory that an execution needs.
  var scratchBytes: Int {
    description.flatMap { dnnl_primitive_desc_query_md($0, dnnl_query_scratchpad_md, 0) }
      .map { dnnl_memory_desc_get_size($0) } ?? 0
  }

  /// The primitive's own copy of what it was made from.
  private var description: const_dnnl_primitive_desc_t? {
    var description: const_dnnl_primitive_desc_t?
    return dnnl_primitive_get_primitive_desc(raw, &description) == dnnl_success ? description : nil
  }
}
