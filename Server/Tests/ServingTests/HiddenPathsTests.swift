import Serving
import Testing

@Suite("What clients are told of paths", .timeLimit(.minutes(5))) struct HiddenPathsTests {
  private let hidden = HiddenPaths(["/var/lib/fused inf/store", "/srv/models", "/"])

  @Test(
    "of a path below the server's folders the last part is left; all else stays",
    arguments: [
      (
        "cannot open '/var/lib/fused inf/store/models/m 1/1/model.fused': gone",
        "cannot open 'model.fused': gone"
      ),
      ("/srv/models/m.onnx: no model", "m.onnx: no model"),
      ("in '/srv/models' and (/srv/models/a/b)", "in 'models' and (b)"),
      ("node '/srv/models2/conv' and '/layer/Conv'", "node '/srv/models2/conv' and '/layer/Conv'"),
      ("its /srv/models/x", "its x"),
      ("a/srv/models/x", "a/srv/models/x"),
      ("", ""),
    ])
  func messages(text: String, told: String) { #expect(hidden.removed(from: text) == told) }
}
