/// A model, the values of its inputs, and a place for its outputs.
struct ConformanceCase: Decodable, Sendable {
  struct Input: Decodable, Sendable {
    var name: String
    var value: ConformanceValue
  }

  var name: String
  /// The path of the ONNX file.
  var model: String
  /// The values that are given, in the order of the graph's inputs.
  var inputs: [Input]
  /// The folder for the outputs' elements.
  var outputs: String
}

/// The result of a case in each way.
struct ConformanceResult: Encodable {
  var name: String
  var ways: [WayResult]
}

/// The result of a case in one way.
struct WayResult: Encodable {
  enum Status: String, Encodable {
    case answered
    /// The engine refused the model or its inputs before the run.
    case refused
    /// The run failed.
    case error
  }

  var way: Way
  var status: Status
  /// The stage that refused or failed.
  var stage: Stage?
  var message: String?
  /// The outputs, in the order of the graph's outputs.
  var outputs: [ConformanceValue]?
  /// The companion's outputs, where it is in the same program.
  var companion: [ConformanceValue]?
}

/// A way to run a model. All of them must give the same answer.
enum Way: String, Encodable, CaseIterable {
  case optimised
  case optimisedFused = "optimised-fused"
  case unoptimised
  case unoptimisedFused = "unoptimised-fused"

  /// True if the passes run.
  var isOptimised: Bool { self == .optimised || self == .optimisedFused }
  /// True if the companion is linked into the same program.
  var isFused: Bool { self == .optimisedFused || self == .unoptimisedFused }
}

/// The stage that a case has reached.
enum Stage: String, Encodable {
  case importing = "import"
  case passes, compile, inputs, plan, link, run
}
