import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

extension Request {
  /// The request in the form that the router takes. Header fields whose names no field may have are left out.
  init(_ head: HTTPRequestHead, _ body: ByteBuffer) {
    var fields = HTTPFields()
    fields.reserveCapacity(head.headers.count)
    for (name, value) in head.headers {
      guard let name = HTTPField.Name(name) else { continue }
      fields.append(HTTPField(name: name, value: value))
    }
    self.init(
      head: HTTPRequest(
        method: HTTPRequest.Method(rawValue: head.method.rawValue) ?? .get, scheme: "http", authority: nil,
        path: head.uri, headerFields: fields),
      body: RequestBody(buffer: body))
  }
}
