import Executor
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import Tensors

/// The effect of another form of weights on a model's results and size.
public struct WeightDeviation: Sendable {
  /// By output, the largest deviation from the result with the model's own weights, as a part of the largest number there.
  /// Infinite where a result has another shape, or is not a number on one side alone.
  public var outputs: [(name: String, deviation: Double)]
  /// Bytes of all weights with the model's own form and with the other.
  public var bytesBefore: Int
  public var bytesAfter: Int
  /// The model as it was compiled.
  public var metadata: ModelMetadata

  /// The largest of all outputs.
  public var largest: Double { outputs.map(\.deviation).max() ?? 0 }
}

extension Engine {
  /// Compiles the ONNX model at `path` with its own weights and with those that `options` asks for, and compares the results of
  /// both. The store stays as it is.
  /// - Parameter cases: returns the inputs of each run, in the order of the model's.
  /// - Throws: when the model cannot be read, compiled, planned or run in either form within the budget.
  public func weightDeviation(
    of path: String, name: String, options: CompilationOptions, cases: (LinkableModel) throws -> [[Tensor]],
    progress: ((String) -> Void)? = nil
  ) async throws -> WeightDeviation {
    try await models.store.withTemporaryFolder { folder in
      func compiled(_ form: WeightForm) throws -> LinkableModel {
        var options = options
        options.weights = form
        let target = "\(folder)/\(form.rawValue)"
        _ = try models.compile(path, name: name, options: options, to: target, progress: progress)
        return try LinkableModel(try CompiledModel.open(target))
      }
      let (whole, small) = (try compiled(.float32), try compiled(options.weights))
      progress?("comparing")
      var largest: [String: Double] = [:]
      for inputs in try cases(whole) {
        let (expected, found) = (try await answer(whole, inputs), try await answer(small, inputs))
        for (one, other) in zip(expected, found) {
          largest[one.name] = max(largest[one.name] ?? 0, deviation(of: other.tensor, from: one.tensor))
        }
      }
      return WeightDeviation(
        outputs: whole.graph.outputs.map { id in
          let name = whole.graph[id].name
          return (name, largest[name] ?? 0)
        }, bytesBefore: whole.file.extentBytes, bytesAfter: small.file.extentBytes,
        metadata: small.file.metadata)
    }
  }

  private func answer(
    _ model: LinkableModel, _ inputs: [Tensor]
  ) async throws -> [(name: String, tensor: Tensor)] {
    let plan = try planner.plan(model, inputs: inputs.map { ($0.elementType, $0.shape) })
    let answers = await executor.run(try link([plan]), inputs: [inputs], way: .mapped)
    return try answers.first?.get().outputs ?? []
  }
}

/// The largest difference, as a part of the largest finite number of `expected`.
func deviation(of found: Tensor, from expected: Tensor) -> Double {
  // Texts and sequences are equal, or differ by no number.
  if found == expected { return 0 }
  guard found.shape == expected.shape, let found = found.numbers, let expected = expected.numbers else {
    return .infinity
  }
  var (largest, difference) = (0.0, 0.0)
  for (number, other) in zip(expected, found) where number != other && !(number.isNaN && other.isNaN) {
    guard number.isFinite, other.isFinite else { return .infinity }
    difference = max(difference, abs(number - other))
  }
  guard difference > 0 else { return 0 }
  for number in expected where number.isFinite { largest = max(largest, abs(number)) }
  return difference / largest
}

extension Tensor {
  /// The elements as numbers; `nil` of types that are none.
  fileprivate var numbers: [Double]? {
    if elementType == .float64 { return try? elements(as: Double.self) }
    return floats?.map { Double($0) } ?? integers?.map { Double($0) }
  }
}
