import CDNNL
import Device
import ModelGraph

/// A oneDNN call that did not succeed. Becomes a ``DeviceError`` with the node and the shapes at the engine's edge.
struct LibraryFailure: Error, CustomStringConvertible {
  /// The C function.
  let function: String
  let status: dnnl_status_t

  var description: String {
    let name =
      switch status {
      case dnnl_out_of_memory: "out of memory"
      case dnnl_invalid_arguments: "invalid arguments"
      case dnnl_unimplemented: "unimplemented"
      case dnnl_last_impl_reached: "last implementation reached"
      case dnnl_runtime_error: "runtime error"
      case dnnl_not_required: "not required"
      default: "status \(status.rawValue)"
      }
    return "\(function): \(name)"
  }
}

/// - Throws: ``LibraryFailure`` unless `status` is success.
@inline(__always)
func check(_ status: dnnl_status_t, _ function: @autoclosure () -> String) throws {
  guard status == dnnl_success else { throw LibraryFailure(function: function(), status: status) }
}

/// Runs `body`; what the library reports becomes an error that names the request's node and shapes.
func reporting<Result>(_ request: KernelRequest, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let failure as LibraryFailure {
    throw DeviceError(.kernelLibrary, "oneDNN: \(failure)", in: request)
  }
}
