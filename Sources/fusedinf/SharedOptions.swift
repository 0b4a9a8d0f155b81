import ArgumentParser
import Engine
import Executor
import Foundation
import Kernels
import ModelStore

extension ByteSize: ExpressibleByArgument {
  public init?(argument: String) { self.init(parsing: argument) }
}

/// `--json`, on every command.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON object instead of text.")
  var json = false
}

/// `--store`, on every command that touches the store.
struct StoreOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "\(Knob.store.meaning) Also from \(Knob.store.environment ?? "").", valueName: Knob.store.type))
  var store: String?

  /// Where the store is.
  var directory: String { store ?? Knob.store.fromEnvironment ?? Knob.store.standard }

  /// The store, which need not be there.
  func open() throws -> ModelStore { try ModelStore(directory: directory) }
}

/// What runs are bounded by.
struct EngineOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "\(Knob.budget.meaning) Also from \(Knob.budget.environment ?? "").", valueName: "size"))
  var budget: ByteSize?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "\(Knob.threads.meaning) Also from \(Knob.threads.environment ?? "").", valueName: "count"))
  var threads: Int?

  @Flag(name: .long, help: ArgumentHelp(Knob.deterministic.meaning))
  var deterministic = false

  @Option(name: .customLong("plan-cache"), help: ArgumentHelp(Knob.planCache.meaning, valueName: "size"))
  var planCache: ByteSize?

  /// The options as the engine takes them, with the environment and the defaults behind them.
  func configuration() throws -> EngineConfiguration {
    func size(_ given: ByteSize?, _ knob: Knob, _ standard: Int) throws -> Int {
      if let given { return given.bytes }
      guard let text = knob.fromEnvironment else { return standard }
      guard let size = ByteSize(parsing: text) else {
        throw ValidationError("\(knob.environment ?? knob.name)='\(text)' is not a size such as 64MiB")
      }
      return size.bytes
    }
    func count(_ given: Int?, _ knob: Knob) throws -> Int {
      let text = given.map(String.init) ?? knob.fromEnvironment ?? knob.standard
      guard let count = Int(text), (1...1024).contains(count) else {
        throw ValidationError("--\(knob.name) takes a number from 1 to 1024, not '\(text)'")
      }
      return count
    }
    let flag = Knob.deterministic.fromEnvironment.map {
      !["0", "false", "no", "off"].contains($0.lowercased())
    }
    return EngineConfiguration(
      budget: try size(budget, .budget, Knob.defaultBudget), threads: try count(threads, .threads),
      deterministic: deterministic || flag ?? false,
      planCacheBytes: try size(planCache, .planCache, 256 << 20))
  }
}
