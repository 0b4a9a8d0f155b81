import CDNNL
import CKernelLibrary
import Foundation
import Testing

/// oneDNN's C interface lets C++ exceptions out: none comes through to Swift.
@Suite struct LibraryExceptionTests {
  @Test("an allocation that fails inside the library is a status", .disabled(if: AddressSanitizer.watches))
  func allocation() async {
    // In a process of its own, whose address space ends 2 GiB beyond what the library itself takes.
    await #expect(processExitsWith: .success) {
      var engine: dnnl_engine_t?
      guard fi_dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success else { exit(2) }
      func descriptor(_ side: Int64) -> dnnl_memory_desc_t? {
        var descriptor: dnnl_memory_desc_t?
        _ = fi_dnnl_memory_desc_create_with_tag(&descriptor, 4, [1, 1, side, side], dnnl_f32, dnnl_nchw)
        return descriptor
      }
      var description: dnnl_primitive_desc_t?
      let described = fi_dnnl_resampling_forward_primitive_desc_create(
        &description, engine, dnnl_forward_inference, dnnl_resampling_nearest, nil, descriptor(4),
        descriptor(1 << 30), nil)
      guard described == dnnl_success else { exit(3) }
      var limit = rlimit(rlim_cur: 2 << 30, rlim_max: 2 << 30)
      guard setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { exit(4) }
      // Its tables take more than that: std::bad_alloc.
      var primitive: dnnl_primitive_t?
      let status = fi_dnnl_primitive_create(&primitive, description)
      exit(status == dnnl_out_of_memory ? 0 : 5)
    }
  }
}
