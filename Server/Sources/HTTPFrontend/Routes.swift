import HTTPTypes
import Hummingbird
import Serving

/// Routes that belong together. To add some, write a type of these in a file of its own and name it in
/// ``HTTPFrontend/families``.
protocol RouteFamily: Sendable {
  func add(to routes: Routes)
}

/// The registry of routes. Every error becomes `{"error": "…"}`, a method that a path does not have is
/// answered with 405, and each `GET` has its `HEAD`.
final class Routes {
  private let router = Router(context: HTTPContext.self)
  private let service: InferenceService
  private let configuration: HTTPConfiguration
  private var methods: [String: Set<HTTPRequest.Method>] = [:]

  init(service: InferenceService, configuration: HTTPConfiguration) {
    self.service = service
    self.configuration = configuration
  }

  /// Registers what answers `method` on `path`, in which `:name` stands for one component.
  /// - Parameter action: what the caller has to be allowed to do; `nil`: `body` asks that itself.
  func on(
    _ method: HTTPRequest.Method, _ path: String, _ action: AccessAction?,
    _ body: @escaping @Sendable (HTTPCall) async throws -> Response
  ) {
    let respond: @Sendable (Request, HTTPContext) async throws -> Response = {
      [service, configuration] request, context in
      let call = HTTPCall(request: request, context: context, service: service, configuration: configuration)
      do {
        if let action { try call.authorize(action) }
        let response = try await body(call)
        try call.count(response)
        return response
      } catch { return Response(error) }
    }
    for method in method == .get ? [.get, .head] : [method] {
      router.on(RouterPath(path), method: method, use: respond)
      methods[path, default: []].insert(method)
    }
  }

  /// Returns the responder for all requests.
  func responder() -> some HTTPResponder<HTTPContext> {
    for (path, known) in methods {
      let allow = (known.map(\.rawValue) + ["OPTIONS"]).sorted().joined(separator: ", ")
      for method in [HTTPRequest.Method.get, .head, .post, .put, .delete, .patch, .options, .trace]
      where !known.contains(method) {
        router.on(RouterPath(path), method: method) { _, _ in
          var response =
            method == .options
            ? Response(status: .noContent)
            : Response(error: "\(method) is not allowed for this path", status: .methodNotAllowed)
          response.headers[.allow] = allow
          return response
        }
      }
    }
    return router.buildResponder()
  }
}
