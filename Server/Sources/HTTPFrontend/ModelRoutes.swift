import Hummingbird
import InferenceProtocol
import Serving

/// `v2/models/NAME[/versions/VERSION]` and what hangs from it: metadata, ready, config, stats.
struct ModelRoutes: RouteFamily {
  private struct Statistics: Encodable {
    let rows: [ModelStatisticsMessage]

    enum CodingKeys: String, CodingKey { case rows = "model_stats" }
  }

  private struct Models: Encodable {
    let models: [String]
  }

  func add(to routes: Routes) {
    routes.on(.get, "v2/models", .read) { call in
      try Response(json: Models(models: call.service.catalog.names))
    }
    routes.on(.get, "v2/models/stats", .read) { call in
      try Response(json: Statistics(rows: call.service.statistics.messages()))
    }
    for path in ["v2/models/:model", "v2/models/:model/versions/:version"] {
      routes.on(.get, path, .read) { call in
        try Response(
          json: await call.service.metadata(of: call.parameter("model"), version: call.version()))
      }
      routes.on(.get, path + "/ready", .look) { call in
        let model = try call.parameter("model")
        let version = try call.version()
        // Refused with what a request for it would be: Triton answers 400, on-demand clients act on 404 and 503.
        do { try call.service.catalog.checkReady(model, version: version) } catch let error as ServiceError
          where (try? call.authorize(.read)) == nil
        {
          // Probes have no key. Errors in a model's file are shown only to callers that may read.
          throw ServiceError(
            error.kind, "the model is not ready; a key is needed to see the reason",
            retryAfter: error.retryAfter)
        }
        return Response(status: .ok)
      }
      routes.on(.get, path + "/config", .read) { call in
        try Response(
          json: await call.service.modelConfig(of: call.parameter("model"), version: call.version()))
      }
      routes.on(.get, path + "/stats", .read) { call in
        let model = try call.parameter("model")
        let version = try call.version()
        try call.service.catalog.checkKnown(model, version: version)
        return try Response(
          json: Statistics(rows: call.service.statistics.messages(model: model, version: version)))
      }
    }
  }
}
