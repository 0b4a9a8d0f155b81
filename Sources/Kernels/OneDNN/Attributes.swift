import CDNNL
import CKernelLibrary

/// A primitive's attributes: fused post-ops, and scratch memory that always comes from the caller.
final class Attributes {
  let raw: dnnl_primitive_attr_t

  /// - Parameter binaries: for each post-op that has an operand, in order, the operand's descriptor.
  init(_ postOps: [FusedPostOp] = [], binaries: [MemoryDescriptor] = []) throws {
    var raw: dnnl_primitive_attr_t?
    try check(fi_dnnl_primitive_attr_create(&raw), "dnnl_primitive_attr_create")
    guard let raw else {
      throw LibraryFailure(function: "dnnl_primitive_attr_create", status: dnnl_runtime_error)
    }
    self.raw = raw
    try check(
      fi_dnnl_primitive_attr_set_scratchpad_mode(raw, dnnl_scratchpad_mode_user),
      "dnnl_primitive_attr_set_scratchpad_mode")
    guard !postOps.isEmpty else { return }
    let chain = try PostOpsHandle()
    var binaries = binaries[...]
    for postOp in postOps {
      switch postOp {
      case .eltwise(let function):
        try check(
          fi_dnnl_post_ops_append_eltwise(chain.raw, function.algorithm, function.alpha, function.beta),
          "dnnl_post_ops_append_eltwise")
      case .sum:
        try check(
          fi_dnnl_post_ops_append_sum(chain.raw, 1, 0, dnnl_f32), "dnnl_post_ops_append_sum")
      case .binary(let algorithm, _):
        guard let descriptor = binaries.popFirst() else {
          throw LibraryFailure(function: "dnnl_post_ops_append_binary", status: dnnl_invalid_arguments)
        }
        try check(
          fi_dnnl_post_ops_append_binary(chain.raw, algorithm, descriptor.raw), "dnnl_post_ops_append_binary")
      }
    }
    try check(fi_dnnl_primitive_attr_set_post_ops(raw, chain.raw), "dnnl_primitive_attr_set_post_ops")
  }

  deinit { dnnl_primitive_attr_destroy(raw) }
}

/// A list of post-ops while it is built; attributes copy it.
private final class PostOpsHandle {
  let raw: dnnl_post_ops_t

  init() throws {
    var raw: dnnl_post_ops_t?
    try check(fi_dnnl_post_ops_create(&raw), "dnnl_post_ops_create")
    guard let raw else {
      throw LibraryFailure(function: "dnnl_post_ops_create", status: dnnl_runtime_error)
    }
    self.raw = raw
  }

  deinit { dnnl_post_ops_destroy(raw) }
}
