import NIOHPACK
import Serving

extension RequestOrigin {
  /// - Parameter headers: of one call.
  init(_ headers: HPACKHeaders) {
    self.init()
    var host: String?
    for (name, value, _) in headers {
      switch name {
      case ":authority": authority = value
      case "host": host = value
      default: add(name, value)
      }
    }
    authority = authority ?? host
  }
}

extension HPACKHeaders {
  /// The size of a header list as RFC 9113 counts it (6.5.2).
  var listSize: Int { reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 } }
}
