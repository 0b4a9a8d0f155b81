import NIOHPACK
import Serving

extension HPACKHeaders {
  /// Removes `grpc-timeout`, and hands its text on under another name.
  ///
  /// The transport never sees `grpc-timeout`: it ends the process for a negative one (grpc-swift-2 2.4.3: `Timeout`). A text
  /// that is no timeout is refused. Some gRPC servers ignore it instead; the call would then run without the
  /// deadline that its client counts on.
  /// - Parameter name: a field that clients cannot set; theirs are removed.
  /// - Returns: the timeout in nanoseconds; `nil` for a call without one.
  /// - Throws: ``ServiceError`` for a text that is no timeout, and for two timeouts.
  package mutating func takeOverTimeout(as name: String) throws(ServiceError) -> UInt64? {
    let texts = self["grpc-timeout"]
    remove(name: "grpc-timeout")
    remove(name: name)
    guard let text = texts.first else { return nil }
    guard texts.count == 1, let timeout = Call.nanoseconds(timeout: text) else {
      throw ServiceError(
        .invalidRequest,
        texts.count > 1
          ? "'grpc-timeout' is there twice"
          : "'grpc-timeout' is '\(shown(text))'; it has to be one to eight digits and a unit: H, M, S, m, u or n"
      )
    }
    add(name: name, value: text)
    return timeout
  }
}
