import HTTPTypes
import Hummingbird
import Serving

/// Tells browsers that pages of another origin may read an answer (Cross-Origin Resource Sharing, in the Fetch standard).
struct CrossOrigin {
  /// Fields of requests that such pages may send.
  private static let requestFields =
    "Authorization, Content-Encoding, Content-Type, Inference-Header-Content-Length, X-API-Key, X-Request-Id, X-Tenant"
  /// Fields of answers that such pages may read.
  private static let responseFields =
    "Content-Encoding, ETag, Inference-Header-Content-Length, Retry-After, WWW-Authenticate, X-Request-Id"

  let admission: OriginRules.Admission
  let request: Request

  func mark(_ response: inout Response) {
    let vary = response.headers[.vary].map { "\($0), Origin" } ?? "Origin"
    response.headers[.vary] = vary
    guard let origin = admission.readableBy else { return }
    response.headers[.accessControlAllowOrigin] = origin
    guard request.method == .options, request.headers[.accessControlRequestMethod] != nil else {
      response.headers[.accessControlExposeHeaders] = CrossOrigin.responseFields
      return
    }
    // The question that a browser asks before it sends a page's request.
    response.headers[.accessControlAllowMethods] = response.headers[.allow]
    response.headers[.accessControlAllowHeaders] = CrossOrigin.requestFields
    response.headers[.accessControlMaxAge] = "600"
    if request.headers[.requestPrivateNetwork] == "true" { response.headers[.allowPrivateNetwork] = "true" }
  }
}
