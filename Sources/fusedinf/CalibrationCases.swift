import ArgumentParser
import Engine
import Foundation
import Linker
import ModelGraph
import Tensors

/// The inputs on which two forms of a model's weights are compared.
struct CalibrationCases {
  /// The folder with `.npy` files, or with a folder of them for each case; `nil`: random inputs.
  var directory: String?

  /// The tensors of each case, in the order of the model's inputs. Inputs without a file are random.
  /// - Parameters:
  ///   - limit: the most bytes that the random inputs of a case may have together.
  ///   - seed: where the random ones start.
  /// - Throws: `ValidationError` when there are no files; ``InputArgumentError``; `TensorError` when a file cannot be read.
  func tensors(for model: LinkableModel, on engine: Engine, limit: Int, seed: UInt64) throws -> [[Tensor]] {
    try folders().map { folder in
      let given = try folder.map { try files(in: $0, for: model) } ?? []
      let arguments = try InputArguments(names: [model.name], inputs: given, shapes: [])
      let tensors = try arguments.tensors(for: model, limit: limit, seed: seed)
      // Its error names the sizes that were guessed.
      _ = try arguments.plan(model, tensors, with: engine.planner)
      return tensors
    }
  }

  private func folders() throws -> [String?] {
    guard let directory else { return [nil] }
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    let folders = names.map { "\(directory)/\($0)" }.filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
    return folders.isEmpty ? [directory] : folders
  }

  /// The files of a case as arguments of `--input`. A file has the name of its input, with `_` for a `/`.
  private func files(in folder: String, for model: LinkableModel) throws -> [String] {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".npy") }
    guard !files.isEmpty else { throw ValidationError("there are no .npy files in '\(folder)'") }
    let inputs = model.graph.inputs.map { model.graph[$0].name }
    return files.sorted().map { file in
      let name = String(file.dropLast(".npy".count))
      let input = inputs.first { $0 == name || $0.replacing("/", with: "_") == name } ?? name
      return "\(model.name)/\(input)=\(folder)/\(file)"
    }
  }
}

/// A model that deviates more than is allowed.
struct DeviationError: Error, CustomStringConvertible {
  var model: String
  var form: WeightForm
  var deviation: WeightDeviation
  var limit: Double

  var description: String {
    let beyond = deviation.outputs.filter { !($0.deviation <= limit) }
    return "model '\(model)' with weights of \(form.rawValue): "
      + beyond.map { "output '\($0.name)' deviates by \(percentage($0.deviation))" }.joined(separator: ", ")
      + ", more than \(percentage(limit)) (--max-deviation \(limit)); it was not added"
  }
}

/// `0.25 %`, with two significant digits.
func percentage(_ part: Double) -> String {
  guard part.isFinite, part > 0 else { return part == 0 ? "0 %" : "\(part)" }
  let percent = part * 100
  // Digits say nothing of what is this far off, and need not fit an integer.
  guard percent < 1e15 else { return "\(percent) %" }
  let unit = pow(10, log10(percent).rounded(.down) - 1)
  let digits = Int((percent / unit).rounded())
  // As an integer of a power of ten, which prints without the error of a binary fraction.
  return unit >= 1 ? "\(Int(percent.rounded())) %" : "\(Double(digits) / (1 / unit).rounded()) %"
}
