/// Decides from a request's header which hosts and pages the server answers.
///
/// A browser sends requests for any page that is open in it. The page of a foreign site is told from the server's own by
/// `Origin` and `Sec-Fetch-Site`; one whose name was made to lead here (DNS rebinding), by `Host`.
public struct OriginRules: Sendable {
  /// The standing of an admitted request.
  public struct Admission: Sendable, Hashable {
    /// The request names this machine, no proxy has passed it on, and no page of another origin makes it: where the
    /// connection comes from this machine too, its caller is local.
    public var isLocal: Bool
    /// The origin of a page elsewhere that may read the answer (`Access-Control-Allow-Origin`).
    public var readableBy: String?

    public init(isLocal: Bool, readableBy: String? = nil) {
      self.isLocal = isLocal
      self.readableBy = readableBy
    }
  }

  /// The server can be reached from this machine alone.
  private let listensOnLoopback: Bool
  private let scheme: String
  private let hosts: [NamePattern]
  private let origins: Set<String>

  /// - Parameters:
  ///   - address: the address that the server listens on.
  ///   - usesTLS: the server speaks TLS.
  ///   - hosts: names beside loopback's that requests may give as their host; `*` and `?` stand for letters.
  ///   - origins: origins beside the server's own whose pages may ask, such as `https://app.example`; `*`: all.
  public init(
    address: String = "127.0.0.1", usesTLS: Bool = false, hosts: [String] = [], origins: [String] = []
  ) {
    listensOnLoopback = Authority(address: address)?.isLoopback ?? false
    scheme = usesTLS ? "https" : "http"
    self.hosts = hosts.map { NamePattern($0.lowercased()) }
    self.origins = Set(origins.map { $0.lowercased() })
  }

  /// True where pages of other origins may ask: what an answer says then depends on the origin.
  public var allowsOtherOrigins: Bool { !origins.isEmpty }

  /// - Parameter isPage: the request reads the server's web page, which other pages may link to.
  /// - Throws: ``ServiceError``: of kind `invalidRequest` for a malformed host, of kind `forbidden` for a host or page that is
  ///   not answered.
  public func admit(_ request: RequestOrigin, isPage: Bool = false) throws(ServiceError) -> Admission {
    let authority = try self.authority(of: request)
    var admission = Admission(isLocal: authority?.isLoopback == true && !request.isForwarded)
    guard request.origins.count <= 1, request.sites.count <= 1 else {
      throw ServiceError(.invalidRequest, "'Origin' or 'Sec-Fetch-Site' is there twice")
    }
    let site = request.sites.first
    if let origin = request.origins.first {
      if !isOwn(origin, authority, isSameOrigin: site == "same-origin") {
        guard origins.contains("*") || origins.contains(origin.lowercased()) else {
          throw ServiceError(
            .forbidden, "pages of '\(shown(origin))' may not ask this server; --origins names those that may")
        }
        admission = Admission(isLocal: false, readableBy: origin)
      }
    }
    switch site {
    case nil, "same-origin", "none": break
    case _ where admission.readableBy != nil: break
    case _ where isPage && request.isNavigation && request.origins.isEmpty: admission.isLocal = false
    default:
      throw ServiceError(
        .forbidden, "a page of another site may not ask this server; --origins names those that may")
    }
    return admission
  }

  private func authority(of request: RequestOrigin) throws(ServiceError) -> Authority? {
    guard let text = request.authority else { return nil }
    guard let authority = Authority(text) else {
      throw ServiceError(.invalidRequest, "'\(shown(text))' is no host")
    }
    let isAnswered =
      authority.isLoopback || hosts.contains { $0.matches(authority.host) }
      || !listensOnLoopback && (hosts.isEmpty || authority.isAddress)
    guard isAnswered else {
      throw ServiceError(
        .forbidden,
        "this server does not answer for the host '\(shown(authority.host))'; --hosts names those that it does"
      )
    }
    return authority
  }

  /// True for the origin of a page that this server itself served: the same scheme, host and port.
  /// - Parameter isSameOrigin: the browser says so. Behind a proxy that ends TLS, the page's scheme is not the server's.
  private func isOwn(_ origin: String, _ authority: Authority?, isSameOrigin: Bool) -> Bool {
    guard let authority else { return false }
    for (scheme, port) in [("http", 80), ("https", 443)] {
      let prefix = "\(scheme)://"
      guard origin.hasPrefix(prefix), let page = Authority(origin.dropFirst(prefix.count)) else { continue }
      return page.host == authority.host && (page.port ?? port) == (authority.port ?? port)
        && (scheme == self.scheme || scheme == "https" && isSameOrigin)
    }
    return false
  }
}
