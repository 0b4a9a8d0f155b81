import Foundation
import Tensors
import Testing

extension Program {
  /// Returns the output of `inspect --json` for a model.
  fileprivate func inspection(_ name: String) async throws -> [String: Any] {
    try await json(["inspect", name])
  }

  /// The one model of `list --json`.
  fileprivate func listed() async throws -> [String: Any] {
    try #require((try await json(["list"])["models"] as? [[String: Any]])?.first)
  }
}

/// Types and sizes are those of the operators; a size is a number, or a name where it is open.
@Test func aModelsPortsAreShownAsTheyAre() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.outputs])
  _ = try await program.json(["add", Program.picky])
  let text = try await program.run(["inspect", "outputs"]).output
  for port in [
    "input   x: float16[2, 2]", "output  a/b: float16[2, 2]", "output  a_b: float16[2, 2]",
    "output  sizes: int64[2]",
  ] { #expect(text.contains(port + "\n"), "\(text)") }
  let metadata = try #require(try await program.inspection("picky")["metadata"] as? [String: Any])
  let input = try #require((metadata["inputs"] as? [[String: Any]])?.first)
  #expect(input["dimensions"] as? [String] == ["batch", "?"])
  let output = try #require((metadata["outputs"] as? [[String: Any]])?.first)
  #expect(output["element_type"] as? String == "float32")
  let sizes = try #require(output["dimensions"] as? [Any])
  #expect(sizes.first as? String == "batch" && sizes.last as? Int == 4, "\(sizes)")
}

/// The memory that `add` reports for a model is also reported by `inspect` and `list`. It is unknown if sizes
/// are open.
@Test func whatAModelRunsInIsShown() async throws {
  let program = try Program()
  let added = try await program.json(["add", Program.network, "--shape", "image=1..2x3x8x8"])
  let model = try #require((added["models"] as? [[String: Any]])?.first)
  let bytes = try #require(model["reserved_bytes"] as? Int)
  for shown in [try await program.inspection("network"), try await program.listed()] {
    #expect(shown["reserved_bytes"] as? Int == bytes)
    #expect(shown["arena_bytes"] as? Int == model["arena_bytes"] as? Int)
  }
  #expect(try await program.run(["inspect", "network"]).output.contains("runs in "))
  _ = try await program.json(["add", Program.network])
  #expect(try await program.inspection("network")["reserved_bytes"] == nil)
}

@Test func statesAndTimesAreWordsAndDates() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.network])
  var entry = try await program.listed()
  #expect(entry["state"] as? String == "ready" && entry["reason"] == nil)
  let metadata = try #require(entry["metadata"] as? [String: Any])
  let date = try ISO8601DateFormatter().date(from: #require(metadata["created_at"] as? String))
  #expect(abs(try #require(date).timeIntervalSinceNow) < 86400)

  let path = try #require(entry["path"] as? String)
  try FileManager.default.removeItem(atPath: path)
  try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
  entry = try await program.listed()
  #expect(entry["state"] as? String == "unusable")
  #expect((entry["reason"] as? String)?.contains("damaged") == true)
}

/// Two files of one name are not two versions of one model, unless somebody says so: then it is told.
@Test func aNameStandsForOneModel() async throws {
  let program = try Program()
  let other = program.folder + "/network.onnx"
  try FileManager.default.copyItem(atPath: Program.network, toPath: other)
  let refused = try await program.run(["add", Program.network, other])
  #expect(refused.status == 2 && refused.messages.contains("--name") && refused.messages.contains(other))
  _ = try await program.json(["add", Program.network])
  let again = try await program.run(["add", Program.network])
  #expect(again.output.hasPrefix("network v2: "), "\(again.output)")
  let replaced = try await program.run(["add", other])
  #expect(replaced.output.contains("v2 came from \(Program.network)"), "\(replaced.output)")
}

@Test func everyOutputHasAFileOfItsOwn() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.outputs])
  let folder = program.folder + "/answers"
  let outcome = try await program.run(["run", "outputs", "--output", folder])
  #expect(outcome.status == 0 && outcome.messages.contains("'a/b'"), "\(outcome.messages)")
  let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/outputs").sorted()
  #expect(files == ["a_b#2.npy", "a_b.npy", "sizes.npy"])
  // x + x and x · x of the same x.
  let sum = try NPY.read(folder + "/outputs/a_b#2.npy").elements(as: Float16.self)
  let product = try NPY.read(folder + "/outputs/a_b.npy").elements(as: Float16.self)
  for (sum, product) in zip(sum, product) { #expect(abs(sum / 2 * (sum / 2) - product) < 0.01) }
}

/// A model's random inputs do not depend on the models named before it, but do depend on the seed.
@Test func randomInputsAreAModelsOwn() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.outputs])
  _ = try await program.json(["add", Program.network, "--shape", "image=1x3x8x8"])
  func answer(_ arguments: [String]) async throws -> Tensor {
    let folder = program.folder + "/" + UUID().uuidString
    let outcome = try await program.run(["run"] + arguments + ["--output", folder])
    #expect(outcome.status == 0, "\(outcome.messages)")
    return try NPY.read(folder + "/outputs/a_b.npy")
  }
  let alone = try await answer(["outputs"])
  #expect(try await answer(["network", "outputs"]) == alone)
  #expect(try await answer(["outputs", "--seed", "2"]) != alone)
}

@Test func shapesThatWereChosenAreTold() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.picky])
  let outcome = try await program.run(["run", "picky"])
  #expect(outcome.status == 1)
  for part in ["x: float32[batch, ?]", "[1, 64]", "--shape picky/x="] {
    #expect(outcome.messages.contains(part), "\(outcome.messages)")
  }
  let given = try await program.json(["run", "picky", "--shape", "x=2x16"])
  #expect(((given["models"] as? [[String: Any]])?.first?["chosen_shapes"] as? [String: Any])?.isEmpty == true)

  _ = try await program.json(["add", Program.picky, "--name", "bounded", "--shape", "x=3..5x16"])
  let chosen = try await program.json(["run", "bounded"])
  let shapes = (chosen["models"] as? [[String: Any]])?.first?["chosen_shapes"] as? [String: [Int]]
  #expect(shapes == ["x": [3, 16]])
  let text = try await program.run(["run", "bounded"]).output
  #expect(text.contains("x: 3x16 was chosen") && text.hasPrefix("linked 1 model in "), "\(text)")
}

@Test func aStoreThatIsEmptyOrNoFolderIsNamed() async throws {
  let program = try Program()
  let empty = try await program.run(["list"])
  #expect(empty.messages.contains("no models yet in \(program.folder)/store"), "\(empty.messages)")
  let file = program.folder + "/file"
  try Data().write(to: URL(fileURLWithPath: file))
  let outcome = try await program.run(["list", "--store", file])
  #expect(outcome.status == 1)
  #expect(
    outcome.messages.contains(file) && outcome.messages.contains("Not a directory"), "\(outcome.messages)")
}

@Test func sizesInErrorsAreReadable() async throws {
  let program = try Program()
  let outcome = try await program.run(
    ["add", Program.network, "--shape", "image=1x3x512x512", "--budget", "64KiB"])
  #expect(outcome.messages.contains("the budget of 64KiB (65536 bytes)"), "\(outcome.messages)")
}
