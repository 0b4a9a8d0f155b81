import ArgumentParser
import Device
import Engine
import Kernels
import ModelStore
import Settings

extension ByteSize: ExpressibleByArgument {
  public init?(argument: String) { self.init(parsing: argument) }
}

extension Subnormals: ExpressibleByArgument {}

extension ArgumentHelp {
  /// Makes an option from a knob's declaration.
  init<Value>(_ knob: Knob<Value>, valueName: String? = nil) {
    self.init("\(knob.meaning) Also from \(knob.environment).", valueName: valueName)
  }
}

/// The values in force, with the environment and the defaults behind the options.
/// - Throws: `ValidationError` for a value that its knob does not take.
func settings(
  _ options: [String: String?], of knobs: [KnobDeclaration] = KnobDeclaration.engine
) throws -> Settings {
  do {
    return try Settings(knobs: knobs, options: options.compactMapValues { $0 })
  } catch { throw ValidationError("\(error)") }
}

/// `--json`, on every command.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON object instead of text.")
  var json = false
}

/// `--store`, on every command that touches the store.
struct StoreOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp(.store, valueName: "directory"))
  var store: String?

  /// The option as it was given.
  var given: [String: String?] { [Knob.store.name: store] }

  /// Returns the store's directory.
  func directory() throws -> String { try settings(given)[.store] }

  /// The store, which need not be there.
  func open() throws -> ModelStore { try ModelStore(directory: directory()) }
}

/// The options that limit runs.
struct EngineOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp(.budget, valueName: "size"))
  var budget: ByteSize?

  @Option(name: .long, help: ArgumentHelp(.threads, valueName: "count"))
  var threads: Int?

  @Flag(name: .long, help: ArgumentHelp(.deterministic))
  var deterministic = false

  @Option(name: .customLong("plan-cache"), help: ArgumentHelp(.planCache, valueName: "size"))
  var planCache: ByteSize?

  @Option(name: .customLong("model-cache"), help: ArgumentHelp(.modelCache, valueName: "size"))
  var modelCache: ByteSize?

  @Option(name: .long, help: ArgumentHelp(.subnormals, valueName: "flush|keep"))
  var subnormals: Subnormals?

  /// The options as they were given.
  var given: [String: String?] {
    [
      Knob.subnormals.name: subnormals?.rawValue,
      Knob.budget.name: budget.map { "\($0.bytes)" }, Knob.threads.name: threads.map(String.init),
      Knob.deterministic.name: deterministic ? "on" : nil,
      Knob.planCache.name: planCache.map { "\($0.bytes)" },
      Knob.modelCache.name: modelCache.map { "\($0.bytes)" },
    ]
  }

  /// The options as the engine takes them, with the environment and the defaults behind them.
  func configuration() throws -> EngineConfiguration { try settings(given).engine }

  /// The device that the options ask for.
  func device() throws -> CPUDevice { try CPUDevice(subnormals: try settings(given)[.subnormals]) }
}
