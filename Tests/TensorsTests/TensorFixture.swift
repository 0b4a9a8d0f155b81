import Foundation
import Tensors
import Testing

/// A fixture made by NumPy and ml_dtypes, from `Tests/Fixtures/tensors.json` (by
/// `scripts/make-tensor-fixtures.py`).
struct TensorFixture: Decodable, Sendable {
  struct File: Decodable, Sendable {
    var name: String
    var npy: Data
    var type: ElementType
    var dims: [Int]
    var bytes: Data
  }
  struct Refused: Decodable, Sendable {
    var name: String
    var npy: Data
    var reason: String
  }
  struct Nibbles: Decodable, Sendable {
    var values: [Int]
    var bytes: [UInt8]
  }

  var files: [File]
  var refused: [Refused]
  /// Bits of floats, and of what they are rounded to.
  var floats: [UInt32]
  var bfloat16: [UInt16]
  var widened: [UInt32]
  var float16: [UInt16]
  var nibbles: [String: Nibbles]

  static func read() throws -> TensorFixture {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/tensors.json")
    return try JSONDecoder().decode(TensorFixture.self, from: Data(contentsOf: file))
  }
}

/// A file that is there while `body` runs.
func withFile<Result>(_ bytes: Data, _ body: (String) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory.appending(path: "tensors-\(UUID().uuidString).npy")
  try bytes.write(to: url)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}
