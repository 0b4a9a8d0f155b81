import ArgumentParser
import Engine
import Linker
import ModelGraph
import ModelStore
import Tensors

/// The inputs that a command line gives, and random ones for the rest.
struct InputArguments {
  private var files: [String: [String: String]] = [:]
  private var shapes: [String: [String: ShapeRanges]] = [:]

  /// - Throws: `ValidationError` when an argument names none of the models or is not of its form.
  init(names: [String], inputs: [String], shapes shapeArguments: [String]) throws {
    for text in inputs {
      let (name, input, file) = try InputArguments.parts(of: text, option: "--input", names: names)
      files[name, default: [:]][input] = file
    }
    for text in shapeArguments {
      let (name, input, shape) = try InputArguments.parts(of: text, option: "--shape", names: names)
      do {
        let sizes = try ShapeRanges(parsing: shape)
        guard sizes.ranges.indices.allSatisfy({ sizes.onlySize(ofAxis: $0) != nil }) else {
          throw ValidationError("--shape takes one size an axis here, not '\(shape)'")
        }
        shapes[name, default: [:]][input] = sizes
      } catch let error as ShapeRangesError { throw ValidationError("\(error)") }
    }
  }

  /// The tensors for a model's inputs, in its order.
  /// - Parameter limit: the most bytes that the random ones may have together.
  /// - Parameter seed: where the random ones start.
  /// - Throws: ``InputArgumentError``; ``TensorError`` when a file cannot be read.
  func tensors(for model: LinkableModel, limit: Int, seed: UInt64) throws -> [Tensor] {
    let known = model.graph.inputs.map { model.graph[$0].name }
    let given = Set(files[model.name, default: [:]].keys).union(shapes[model.name, default: [:]].keys)
    for input in given.sorted() where !known.contains(input) {
      throw InputArgumentError.unknownInput(model: model.name, input: input, inputs: known)
    }
    var left = limit
    return try model.graph.inputs.map { id in
      let name = model.graph[id].name
      let type = model.graph[id].type ?? ValueType(.float32, nil)
      if let file = files[model.name]?[name] {
        let tensor = try NPY.read(file)
        guard type.elementType == .sequence else { return tensor }
        return try tensor.listed(isOptional: type.contents?.isOptional ?? false)
      }
      guard type.elementType != .sequence else {
        let declared = model.file.metadata.inputs.first { $0.name == name }
        if declared?.contents?.mayBeAbsent ?? false { return try Tensor(list: nil) }
        throw InputArgumentError.sequence(model: model.name, input: name)
      }
      let shape = try Shape(checking: sizes(of: name, type, in: model))
      let bytes = type.elementType.byteCount(of: shape.elementCount)
      guard let bytes, bytes <= left else {
        throw InputArgumentError.tooLarge(model: model.name, input: name, shape: shape, limit: limit)
      }
      left -= bytes
      var generator = SeededGenerator(seed: seed, model: model.name, input: name)
      return try generator.tensor(type.elementType, shape)
    }
  }

  /// The sizes of an input that is drawn at random: as given, else as the model says, else the least that was declared,
  /// else a guess.
  private func sizes(of input: String, _ type: ValueType, in model: LinkableModel) -> [Int] {
    if let given = shapes[model.name]?[input] { return given.ranges.map(\.lowerBound) }
    let declared = model.declaredShapes[input]?.ranges
    return (type.dimensions ?? []).enumerated().map { axis, dimension in
      let least = declared.flatMap { $0.indices.contains(axis) ? $0[axis].lowerBound : nil }
      return dimension.size ?? least ?? (axis == 0 ? 1 : type.rank == 4 ? 224 : 64)
    }
  }

  /// The shapes that were chosen for inputs whose sizes the model leaves open and nobody gave, by the input's name.
  func chosenShapes(of model: LinkableModel, _ tensors: [Tensor]) -> [String: [Int]] {
    var result: [String: [Int]] = [:]
    for (id, tensor) in zip(model.graph.inputs, tensors) {
      let name = model.graph[id].name
      let isOpen = model.graph[id].type?.dimensions?.contains { $0.size == nil } ?? true
      let isGiven = files[model.name]?[name] != nil || shapes[model.name]?[name] != nil
      if isOpen, !isGiven { result[name] = tensor.shape.dims }
    }
    return result
  }

  /// Plans a model for these tensors.
  /// - Throws: ``InputArgumentError`` when sizes had to be guessed and do not suit it; what the planner throws.
  func plan(_ model: LinkableModel, _ tensors: [Tensor], with planner: Planner) throws -> Plan {
    do {
      return try planner.plan(model, inputs: tensors.map { ($0.elementType, $0.shape) })
    } catch {
      let guessed = chosenShapes(of: model, tensors).filter { model.declaredShapes[$0.key] == nil }
      guard !guessed.isEmpty else { throw error }
      let inputs = model.graph.inputs.map { id in
        "\(model.graph[id].name): \(model.graph[id].type?.description ?? "unknown")"
      }
      throw InputArgumentError.guessed(
        model: model.name, inputs: inputs, tried: guessed, reason: "\(error)")
    }
  }

  /// Splits `NAME/INPUT=VALUE`; the model's name may be left out when there is one model.
  private static func parts(
    of text: String, option: String, names: [String]
  ) throws -> (name: String, input: String, value: String) {
    guard let equals = text.firstIndex(of: "=") else {
      throw ValidationError("\(option) takes NAME/INPUT=VALUE, not '\(text)'")
    }
    let key = String(text[..<equals])
    let value = String(text[text.index(after: equals)...])
    if let name = names.filter({ key.hasPrefix($0 + "/") }).max(by: { $0.count < $1.count }) {
      return (name, String(key.dropFirst(name.count + 1)), value)
    }
    guard names.count == 1, let name = names.first else {
      throw ValidationError(
        "\(option) '\(text)' does not start with one of the models to run: \(names.joined(separator: ", "))")
    }
    return (name, key, value)
  }
}

/// A fault in the inputs that a model is to run on.
enum InputArgumentError: Error, CustomStringConvertible {
  case unknownInput(model: String, input: String, inputs: [String])
  case tooLarge(model: String, input: String, shape: Shape, limit: Int)
  /// Nothing was given for an input that is a sequence or an optional.
  case sequence(model: String, input: String)
  case guessed(model: String, inputs: [String], tried: [String: [Int]], reason: String)

  var description: String {
    switch self {
    case .unknownInput(let model, let input, let inputs):
      "model '\(model)' has no input '\(input)'; it has \(inputs.map { "'\($0)'" }.joined(separator: ", "))"
    case .tooLarge(let model, let input, let shape, let limit):
      "with a tensor of shape \(shape) for input '\(input)', the inputs of model '\(model)' are larger than the budget of "
        + "\(ByteSize(bytes: limit).exact)"
    case .sequence(let model, let input):
      "input '\(input)' of model '\(model)' is a sequence or an optional; give it with --input \(model)/\(input)=FILE, a "
        + "sequence as one tensor whose first axis is the sequence"
    case .guessed(let model, let inputs, let tried, let reason):
      "model '\(model)' leaves sizes of its inputs open (\(inputs.joined(separator: "; "))), and "
        + tried.sorted { $0.key < $1.key }.map { "\($0.value) for '\($0.key)'" }.joined(separator: ", ")
        + " does not suit it; say "
        + tried.keys.sorted().map { "--shape \(model)/\($0)=…" }.joined(separator: " ") + " (\(reason))"
    }
  }
}
