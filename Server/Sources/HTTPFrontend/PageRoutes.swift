import HTTPTypes
import Hummingbird
import NIOCore
import Serving

/// The web page: `GET /`, its files under `page/`, and the picture of a fused program.
///
/// The files say nothing about the server, and everybody may have them: so the page can ask for an API key and send it
/// with what it reads.
struct PageRoutes: RouteFamily {
  /// A file that is part of the program.
  private struct File: Sendable {
    var name: String
    var contentType: String
    var bytes: [UInt8]
  }

  /// Nothing from elsewhere, and no script or style inside of a document.
  private static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  private static let scripts: [(String, [UInt8])] = [
    ("format.js", PackageResources.format_js), ("main.js", PackageResources.main_js),
    ("memory.js", PackageResources.memory_js), ("models.js", PackageResources.models_js),
    ("programs.js", PackageResources.programs_js), ("stream.js", PackageResources.stream_js),
    ("tensors.js", PackageResources.tensors_js), ("timeline.js", PackageResources.timeline_js),
    ("try.js", PackageResources.try_js),
  ]

  func add(to routes: Routes) {
    let document = File(
      name: "", contentType: "text/html; charset=utf-8", bytes: PackageResources.index_html)
    let files =
      PageRoutes.scripts.map { File(name: $0.0, contentType: "text/javascript; charset=utf-8", bytes: $0.1) }
      + [
        File(name: "page.css", contentType: "text/css; charset=utf-8", bytes: PackageResources.page_css),
        File(name: "icon.svg", contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
      ]
    routes.on(.get, "/", .look) { call in PageRoutes.response(document, to: call) }
    for file in files {
      routes.on(.get, "page/\(file.name)", .look) { call in PageRoutes.response(file, to: call) }
    }
    routes.on(.get, "api/program.svg", .read) { call in
      let names = call.request.uri.queryParameters.getAll("model").map { String($0) }
      let picture = try await call.service.programPicture(of: names)
      return Response(
        status: .ok,
        headers: [
          .contentType: "image/svg+xml", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
          // Its style sheet is part of it.
          .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'",
        ], body: ResponseBody(byteBuffer: ByteBuffer(string: picture)))
    }
  }

  private static func response(_ file: File, to call: HTTPCall) -> Response {
    // A server of another version has other files under the same names.
    let tag = "\"\(InferenceService.version)-\(hash(file.bytes))\""
    var headers: HTTPFields = [
      .contentType: file.contentType, .cacheControl: "no-cache", .eTag: tag, .xContentTypeOptions: "nosniff",
      .contentSecurityPolicy: policy, .referrerPolicy: "no-referrer",
    ]
    if call.request.headers[.ifNoneMatch] == tag {
      headers[.contentType] = nil
      return Response(status: .notModified, headers: headers)
    }
    return Response(
      status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
  }

  /// FNV-1a, 64 bits: the same in each process.
  private static func hash(_ bytes: [UInt8]) -> String {
    String(bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
  }
}
