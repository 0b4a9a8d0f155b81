import ArgumentParser
import Engine
import Linker
import ModelGraph
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
        guard sizes.ranges.allSatisfy({ $0.count == 1 }) else {
          throw ValidationError("--shape takes one size an axis here, not '\(shape)'")
        }
        shapes[name, default: [:]][input] = sizes
      } catch let error as ShapeRangesError { throw ValidationError("\(error)") }
    }
  }

  /// The tensors for a model's inputs, in its order.
  /// - Parameter limit: the most bytes that a random one may have.
  /// - Throws: ``InputArgumentError``; ``TensorError`` when a file cannot be read.
  func tensors(
    for model: LinkableModel, limit: Int, using generator: inout SeededGenerator
  ) throws -> [Tensor] {
    let known = model.graph.inputs.map { model.graph[$0].name }
    let given = Set(files[model.name, default: [:]].keys).union(shapes[model.name, default: [:]].keys)
    for input in given.sorted() where !known.contains(input) {
      throw InputArgumentError.unknownInput(model: model.name, input: input, inputs: known)
    }
    return try model.graph.inputs.map { id in
      let name = model.graph[id].name
      if let file = files[model.name]?[name] { return try NPY.read(file) }
      let type = model.graph[id].type ?? ValueType(.float32, nil)
      let shape = try Shape(checking: sizes(of: name, type, in: model))
      let bytes = type.elementType.byteCount(of: shape.elementCount)
      guard let bytes, bytes <= limit else {
        throw InputArgumentError.tooLarge(model: model.name, input: name, shape: shape, limit: limit)
      }
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

  /// Plans a model for these tensors.
  /// - Throws: ``InputArgumentError`` when sizes had to be guessed and do not suit it; what the planner throws.
  func plan(_ model: LinkableModel, _ tensors: [Tensor], with planner: Planner) throws -> Plan {
    do {
      return try planner.plan(model, inputs: tensors.map { ($0.elementType, $0.shape) })
    } catch {
      for (id, tensor) in zip(model.graph.inputs, tensors) {
        let name = model.graph[id].name
        let isOpen = model.graph[id].type?.dimensions?.contains { $0.size == nil } ?? true
        let isGiven = files[model.name]?[name] != nil || shapes[model.name]?[name] != nil
        guard isOpen, !isGiven, model.declaredShapes[name] == nil else { continue }
        throw InputArgumentError.guessed(
          model: model.name, input: name, tried: tensor.shape, reason: "\(error)")
      }
      throw error
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
        "\(option) '\(text)' starts with none of the models that run: \(names.joined(separator: ", "))")
    }
    return (name, key, value)
  }
}

/// What is wrong with the inputs that a model is to run on.
enum InputArgumentError: Error, CustomStringConvertible {
  case unknownInput(model: String, input: String, inputs: [String])
  case tooLarge(model: String, input: String, shape: Shape, limit: Int)
  case guessed(model: String, input: String, tried: Shape, reason: String)

  var description: String {
    switch self {
    case .unknownInput(let model, let input, let inputs):
      "model '\(model)' has no input '\(input)'; it has \(inputs.map { "'\($0)'" }.joined(separator: ", "))"
    case .tooLarge(let model, let input, let shape, let limit):
      "a tensor of shape \(shape) for input '\(input)' of model '\(model)' is larger than the budget of "
        + "\(ByteSize(bytes: limit))"
    case .guessed(let model, let input, let tried, let reason):
      "model '\(model)' leaves sizes of its input '\(input)' open, and \(tried) does not suit it; "
        + "say --shape \(model)/\(input)=… (\(reason))"
    }
  }
}

/// Random numbers that are the same for the same seed (SplitMix64; Steele, Lea and Flood, 2014).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// Floats from 0 to 1; integers and booleans 0 or 1, which are valid indices of nearly everything.
  mutating func tensor(_ type: ElementType, _ shape: Shape) throws -> Tensor {
    switch type {
    case .float32:
      try Tensor((0..<shape.elementCount).map { _ in Float.random(in: 0..<1, using: &self) }, shape: shape)
    case .float64:
      try Tensor((0..<shape.elementCount).map { _ in Double.random(in: 0..<1, using: &self) }, shape: shape)
    case .float16:
      try Tensor(
        (0..<shape.elementCount).map { _ in Float16(Float.random(in: 0..<1, using: &self)) }, shape: shape)
    case .bfloat16:
      try Tensor(
        (0..<shape.elementCount).map { _ in BFloat16(Float.random(in: 0..<1, using: &self)) }, shape: shape)
    default:
      try Tensor(elementType: type, shape: shape) { bytes in
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        let width = max(type.bitWidth / 8, 1)
        for element in stride(from: 0, to: bytes.count, by: width) { bytes[element] = UInt8(next() & 1) }
      }
    }
  }
}
