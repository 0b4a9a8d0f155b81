import Foundation
import Tensors
import Testing

/// `fusedinf add --weights`, from outside.
@Suite struct SmallWeightsCommandTests {
  /// A product of 128 KiB of weights and a convolution of 144 KiB.
  private static let bytes = (128 + 144) << 10

  @Test(arguments: [("int8", 0.32, 0.02), ("f16", 0.6, 0.002), ("bf16", 0.6, 0.02)])
  func weightsTakeLessMemory(form: String, share: Double, bound: Double) async throws {
    let program = try Program()
    let added = try await program.json(["add", Program.weights, "--shape", "x=1..4x256", "--weights", form])
    let model = try #require((added["models"] as? [[String: Any]])?.first)
    #expect(model["weights"] as? String == form)
    let resident = try #require(model["resident_weight_bytes"] as? Int)
    #expect(Double(resident) < share * Double(Self.bytes))
    #expect(try #require(model["saved_bytes"] as? Int) > Int((1 - share) * Double(Self.bytes)))
    let deviations = try #require(model["deviations"] as? [String: Double])
    #expect(Set(deviations.keys) == ["y", "z"])
    #expect(deviations.values.allSatisfy { $0 > 0 && $0 < bound }, "\(deviations)")

    // A run loads the small weights, and nothing beside them.
    let report = try await program.json(["run", "weights"])
    let loaded = try #require(report["unique_weight_bytes"] as? Int)
    // Up to the ends of pages.
    #expect(abs(loaded - resident) < 16 << 10)
    let listed = try #require((try await program.json(["list"])["models"] as? [[String: Any]])?.first)
    #expect((listed["metadata"] as? [String: Any])?["weights"] as? String == form)
    #expect(try await program.run(["list"]).output.contains("weights \(form)"))
    #expect(try await program.run(["inspect", "weights"]).output.contains("weights  \(form)"))
  }

  @Test func aModelThatDeviatesTooFarIsRefused() async throws {
    let program = try Program()
    let outcome = try await program.run(
      ["add", Program.weights, "--weights", "int8", "--max-deviation", "0.000001"])
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.messages.contains("output 'y' deviates by") && outcome.messages.contains("0.0001 %"))
    #expect((try await program.json(["list"])["models"] as? [Any])?.isEmpty == true)
    let accepted = try await program.run(
      ["add", Program.weights, "--weights", "int8", "--max-deviation", "0.05"])
    #expect(accepted.status == 0)
    #expect(accepted.output.contains("largest deviation of 'y'") && accepted.output.contains("weights int8"))
  }

  /// A folder is a case, or has one in each of its folders; inputs without a file are random.
  @Test func calibrationInputsAreRead() async throws {
    let program = try Program()
    let folder = program.folder + "/samples"
    for (name, rows) in [("one", 1), ("two", 3)] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      let numbers = (0..<rows * 256).map { Float($0 % 17) - 8 }
      try NPY.write(try Tensor(numbers, shape: Shape(checking: [rows, 256])), to: "\(folder)/\(name)/x.npy")
    }
    let flags = ["add", Program.weights, "--weights", "f16", "--calibrate"]
    for path in [folder, folder + "/two"] {
      let added = try await program.json(flags + [path])
      let model = try #require((added["models"] as? [[String: Any]])?.first)
      #expect((model["deviations"] as? [String: Double])?["y"] ?? 0 > 0)
    }
    try FileManager.default.moveItem(atPath: "\(folder)/one/x.npy", toPath: "\(folder)/one/w.npy")
    let unknown = try await program.run(flags + [folder])
    #expect(unknown.status == 1 && unknown.messages.contains("no input 'w'"), "\(unknown.messages)")
    try FileManager.default.removeItem(atPath: "\(folder)/one/w.npy")
    #expect(try await program.run(flags + [folder]).messages.contains("no .npy files"))
  }

  /// A damaged model is compiled again from its source, with the weights that it was added with.
  @Test func theFormSurvivesRecompiling() async throws {
    let program = try Program()
    let added = try await program.json(["add", Program.weights, "--weights", "int8"])
    let model = try #require((added["models"] as? [[String: Any]])?.first)
    let resident = try #require(model["resident_weight_bytes"] as? Int)
    let path = try #require(
      ((try await program.json(["list"])["models"] as? [[String: Any]])?.first)?["path"] as? String)
    let file = path.hasSuffix(".fused") ? path : path + "/model.fused"
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    try handle.write(contentsOf: Data(repeating: 0, count: 16))
    try handle.close()
    let report = try await program.json(["run", "weights"])
    #expect(abs(try #require(report["unique_weight_bytes"] as? Int) - resident) < 16 << 10)
  }

  @Test func flagsThatNeedAFormSaySo() async throws {
    let program = try Program()
    for arguments in [
      ["--calibrate", "x"], ["--max-deviation", "0.1"], ["--weights", "int4"],
      ["--weights", "int8", "--max-deviation", "-1"],
      ["--weights", "int8", "--max-deviation", "nan"],
    ] {
      let outcome = try await program.run(["add", Program.weights] + arguments)
      #expect(outcome.status == 2, "\(arguments)")
    }
  }
}
