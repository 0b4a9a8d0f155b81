import Foundation
import Testing

private let commands = [
  "add", "list", "inspect", "run", "graph", "verify", "remove", "config", "doctor",
  "operators",
]

@Test func everyCommandExplainsItself() async throws {
  let program = try Program()
  for command in commands {
    let help = try await program.run([command, "--help"])
    #expect(help.status == 0 && help.messages.isEmpty)
    #expect(help.output.contains("--json"), "\(command)")
  }
}

@Test func addedModelsRunAndReport() async throws {
  let program = try Program()
  let added = try await program.json(["add", Program.network, "--shape", "image=1..4x3x8x8"])
  #expect((added["failures"] as? [Any])?.isEmpty == true)
  let network = try #require((added["models"] as? [[String: Any]])?.first)
  #expect(network["name"] as? String == "network")
  let reserved = try #require(network["reserved_bytes"] as? Int)
  #expect(reserved >= (network["arena_bytes"] as? Int ?? .max))

  let report = try await program.json([
    "run", "network", "--repeat", "3", "--swap", "warm", "--budget", "\(reserved)",
  ])
  #expect(
    Set(report.keys) == [
      "link_us", "budget_bytes", "peak_resident_bytes", "arena_bytes", "unique_weight_bytes", "wall_ms",
      "page_faults", "models",
    ])
  #expect((report["wall_ms"] as? [Double])?.count == 3)
  let peak = try #require(report["peak_resident_bytes"] as? Int)
  #expect((1...reserved).contains(peak))
  let model = try #require((report["models"] as? [[String: Any]])?.first)
  #expect(
    Set(model.keys) == [
      "name", "plan_ms", "swap_in_ms", "first_ms", "bytes_loaded", "run_ms", "chosen_shapes", "outputs",
    ])
  #expect(model["bytes_loaded"] as? Int == report["unique_weight_bytes"] as? Int)
  #expect((model["run_ms"] as? [Double])?.count == 3)
  let output = try #require((model["outputs"] as? [[String: Any]])?.first)
  #expect(output["name"] as? String == "logits" && output["dtype"] as? String == "float32")
  // The least that was declared.
  #expect((output["shape"] as? [Int])?.first == 1)
}

/// One of two fails: the other is added, and nothing is left of the first.
@Test func addingGoesOnAfterAFailure() async throws {
  let program = try Program()
  let outcome = try await program.run(["add", "absent.onnx", Program.network])
  #expect(outcome.status == 1)
  #expect(outcome.output.contains("network v1"))
  #expect(outcome.messages.hasPrefix("fusedinf: ") && outcome.messages.contains("absent.onnx"))
  let listed = try #require(try await program.json(["list"])["models"] as? [[String: Any]])
  #expect(listed.map { $0["name"] as? String } == ["network"])
}

@Test func aModelThatCannotFitIsRefusedWhenItIsAdded() async throws {
  let program = try Program()
  let outcome = try await program.run(
    ["add", Program.network, "--shape", "image=1x3x512x512", "--budget", "64KiB"])
  #expect(outcome.status == 1 && outcome.output.isEmpty)
  #expect(outcome.messages.contains("65536"), "both sizes: \(outcome.messages)")
  #expect((try await program.json(["list"])["models"] as? [Any])?.isEmpty == true)
}

@Test func wrongUsageEndsWithTwoAndFailuresWithOne() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.network])
  let wrong = [
    ["nothing"], ["run"], ["run", "network", "--budget", "many"], ["run", "network", "--repeat", "0"],
    ["run", "network", "--swap", "hot"], ["run", "network", "--shape", "image=1..2x3x8x8"],
    ["graph", "network", "-o", "picture.png"], ["add", "a.onnx", "b.onnx", "--name", "c"],
    ["add", "a/m.onnx", "b/m.onnx"],
  ]
  for arguments in wrong {
    let outcome = try await program.run(arguments)
    #expect(outcome.status == 2 && outcome.output.isEmpty && !outcome.messages.isEmpty, "\(arguments)")
  }
  let failing = [
    ["run", "absent"], ["run", "network", "--shape", "image=1x3x8"],
    ["run", "network", "--shape", "image=1x3x99999999x99999"], ["run", "network", "--input", "other=x.npy"],
    ["run", "network", "--shape", "image=1x3x8x8", "--output", "/proc/nothing"],
    ["graph", "network", "-o", "/proc/nothing.svg"], ["remove", "absent"], ["verify", "absent"],
  ]
  for arguments in failing {
    let outcome = try await program.run(arguments)
    #expect(outcome.status == 1 && outcome.output.isEmpty, "\(arguments)")
    #expect(outcome.messages.hasPrefix("fusedinf: "), "\(arguments): \(outcome.messages)")
    #expect(outcome.messages.filter { $0 == "\n" }.count == 1, "one line: \(outcome.messages)")
    #expect(!outcome.messages.contains("Error("), "\(outcome.messages)")
  }
  for environment in [["FUSEDINF_BUDGET": "lots"], ["FUSEDINF_SEED": "one"], ["FUSEDINF_THREADS": "0"]] {
    let outcome = try await program.run(["run", "network"], environment: environment)
    #expect(outcome.status == 2, "\(environment)")
  }
}

/// A usage error is reported with the usage of the requested command, whether it is found while the command
/// line is parsed or only while the command runs.
@Test func wrongUsageShowsTheCommandsOwn() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.network])
  for (command, arguments) in [
    ("run", ["--repeat", "0"]), ("run", ["network", "--shape", "other/image=1x3x8x8"]),
    ("run", ["--threads", "0"]),
    ("graph", ["-o", "picture.png"]), ("graph", ["-o", "picture.svg", "--program", "--shape", "image=a"]),
    ("add", ["--shape", "image"]),
  ] {
    let outcome = try await program.run([command, "network"] + arguments)
    #expect(outcome.status == 2)
    #expect(outcome.messages.hasPrefix("Error: "))
    #expect(outcome.messages.contains("Usage: fusedinf \(command) "), "\(arguments): \(outcome.messages)")
    #expect(outcome.messages.contains("'fusedinf \(command) --help'"), "\(arguments): \(outcome.messages)")
  }
}

/// Looking at a store that is not there does not make it.
@Test func readingMakesNoStore() async throws {
  let program = try Program()
  for (arguments, status) in [
    (["list"], 0), (["verify"], 0), (["inspect", "network"], 1), (["run", "network"], 1),
    (["graph", "network", "-o", "/dev/null.svg"], 1), (["remove", "network"], 1), (["config"], 0),
  ] {
    #expect(try await program.run(arguments).status == status, "\(arguments)")
    #expect(!FileManager.default.fileExists(atPath: program.folder + "/store"), "\(arguments)")
  }
  #expect((try await program.json(["list"])["models"] as? [Any])?.isEmpty == true)
}

@Test func whatWasDeclaredBoundsWhatRuns() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.network, "--shape", "image=1..4x3x8..16x8..16"])
  _ = try await program.json(["run", "network", "--shape", "image=4x3x16x8"])
  let outcome = try await program.run(["run", "network", "--shape", "image=5x3x8x8"])
  #expect(outcome.status == 1)
  for part in ["'network'", "'image'", "1..4x3x8..16x8..16", "5, 3, 8, 8"] {
    #expect(outcome.messages.contains(part), "\(outcome.messages)")
  }
}

/// One of three can never fit, what it runs in or its input alone: the others answer as often as they were asked to, and
/// it says why it does not.
@Test(arguments: ["1x3x24x24", "1x3x40x40"])
func aMemberThatCannotFitFailsAlone(shape: String) async throws {
  let program = try Program()
  let added = try await program.json(["add", Program.network, "--shape", "image=1x3x8x8"])
  let reserved = try #require(
    ((added["models"] as? [[String: Any]])?.first)?["reserved_bytes"] as? Int)
  _ = try await program.json(["add", Program.network, "--name", "open"])
  let arguments = [
    "network", "open", "network", "--shape", "open/image=\(shape)", "--budget", "\(reserved)",
  ]
  let outcome = try await program.run(["run"] + arguments + ["--repeat", "3", "--json"])
  #expect(outcome.status == 1)
  #expect(outcome.messages.contains("'open'") && outcome.messages.contains("budget of"))
  let report = try outcome.object
  #expect((report["wall_ms"] as? [Double])?.count == 3)
  let models = try #require(report["models"] as? [[String: Any]])
  #expect(models.map { $0["name"] as? String } == ["network", "open", "network"])
  for model in models {
    let fails = model["name"] as? String == "open"
    #expect((model["error"] as? String)?.contains("budget of") == (fails ? true : nil))
    #expect((model["run_ms"] as? [Double])?.count == (fails ? 0 : 3))
    #expect((model["outputs"] as? [Any])?.count == (fails ? 0 : 1))
    let keys: Set = ["name", "plan_ms", "swap_in_ms", "first_ms", "bytes_loaded", "run_ms", "outputs"]
    #expect(keys.isSubset(of: model.keys))
  }

  let text = try await program.run(["run"] + arguments)
  #expect(text.status == 1)
  #expect(text.output.contains("open: ") && text.output.contains("network: plan"), "\(text.output)")
  let alone = try await program.run(
    ["run", "open", "--shape", "image=\(shape)", "--budget", "\(reserved)", "--json"])
  #expect(alone.status == 1)
  #expect((try alone.object["models"] as? [[String: Any]])?.first?["error"] != nil)
}

/// Of five, one is damaged and its source gone, one gets a shape that was not declared, one a file that is not there and
/// one a file that is no tensor: the fifth answers, and each of the others says why it does not.
@Test func membersThatCannotStartFailAlone() async throws {
  let program = try Program()
  for name in ["whole", "damaged", "bounded", "absent", "torn"] {
    _ = try await program.json(["add", Program.network, "--name", name, "--shape", "image=1..2x3x8x8"])
  }
  let stored = program.folder + "/store/models/damaged/1"
  let bytes = try Data(contentsOf: URL(fileURLWithPath: stored + "/model.fused"))
  for part in ["/model.fused", "/source"] { try FileManager.default.removeItem(atPath: stored + part) }
  try bytes.prefix(1000).write(to: URL(fileURLWithPath: stored + "/model.fused"))
  try Data("no tensor".utf8).write(to: URL(fileURLWithPath: program.folder + "/torn.npy"))
  let arguments = [
    "run", "damaged", "bounded", "absent", "torn", "whole", "--shape", "bounded/image=3x3x8x8",
    "--input", "absent/image=\(program.folder)/absent.npy",
    "--input", "torn/image=\(program.folder)/torn.npy",
  ]
  let outcome = try await program.run(arguments + ["--json", "--repeat", "2"])
  #expect(outcome.status == 1)
  let models = try #require(try outcome.object["models"] as? [[String: Any]])
  #expect(models.map { ($0["run_ms"] as? [Double])?.count } == [0, 0, 0, 0, 2])
  #expect(models.last?["error"] == nil)
  for (model, reason) in zip(models, ["source", "1..2x3x8x8", "absent.npy", "torn.npy"]) {
    let error = try #require(model["error"] as? String)
    #expect(error.contains(reason))
    #expect(outcome.messages.contains("fusedinf: \(error)\n"), "\(outcome.messages)")
  }

  // A name that is not there is a mistake in the command line: nothing runs.
  for mistake in [["nobody"], ["--input", "whole/nothing=\(program.folder)/absent.npy"]] {
    let outcome = try await program.run(arguments + mistake + ["--json"])
    #expect(outcome.status == 1 && outcome.output.isEmpty, "\(mistake): \(outcome.output)")
  }
}

@Test func picturesAreWritten() async throws {
  let program = try Program()
  _ = try await program.json(["add", Program.network, "--shape", "image=1x3x8x8"])
  for (arguments, part) in [
    (["network", "-o", "a.svg"], "conv"), (["network", "network", "-o", "b.svg"], "held once"),
    (["network", "network", "-o", "c.dot"], "cluster_1"),
  ] {
    let path = "\(program.folder)/\(arguments[arguments.count - 1])"
    let outcome = try await program.run(["graph"] + arguments.dropLast() + [path])
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains(part))
  }
}
