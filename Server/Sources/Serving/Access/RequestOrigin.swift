/// The fields of one request's header that tell where the request comes from, whatever transport it came over.
public struct RequestOrigin: Sendable, Hashable {
  /// `Host`, or HTTP/2's `:authority`; `nil` when the request has neither.
  public var authority: String?
  /// `Origin`: the page that makes the request.
  private(set) var origins: [String] = []
  /// `Sec-Fetch-Site`: the relation of that page to this server, as the browser sees it.
  private(set) var sites: [String] = []
  /// `Sec-Fetch-Mode` and `Sec-Fetch-Dest`.
  private var mode: String?
  private var destination: String?
  /// A proxy has passed the request on.
  private(set) var isForwarded = false

  public init(authority: String? = nil) { self.authority = authority }

  /// Takes note of a field; most are none of its concern.
  public mutating func add(_ name: String, _ value: String) {
    let name = name.lowercased()
    switch name {
    case "origin": origins.append(value)
    case "sec-fetch-site": sites.append(value)
    case "sec-fetch-mode": mode = value
    case "sec-fetch-dest": destination = value
    default:
      if RequestOrigin.proxyFields.contains(name) || name.hasPrefix("x-forwarded") { isForwarded = true }
    }
  }

  /// A person follows a link to a document, or types its address; the page with the link cannot read the answer.
  var isNavigation: Bool { mode == "navigate" && destination == "document" }

  /// Fields that proxies add, beside `X-Forwarded-…`.
  private static let proxyFields: Set<String> = [
    "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
    "x-original-host", "x-original-url", "x-envoy-external-address", "x-proxyuser-ip", "client-ip",
    "true-client-ip",
    "cf-connecting-ip", "cf-ray", "fastly-client-ip", "fly-client-ip", "x-azure-clientip",
    "x-appengine-user-ip",
  ]
}
