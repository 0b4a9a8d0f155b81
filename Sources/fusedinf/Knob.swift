import Engine
import Foundation
import ModelStore

/// One setting: where it is declared, every command that has it reads it from here, and `fusedinf config` lists it.
struct Knob: Sendable, Encodable {
  /// The option's name, without dashes.
  var name: String
  /// The environment variable that it also comes from.
  var environment: String?
  var type: String
  /// The default as a user would write it.
  var standard: String
  var meaning: String

  /// The value from the environment.
  var fromEnvironment: String? {
    environment.flatMap { ProcessInfo.processInfo.environment[$0] }.flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension Knob {
  static let store = Knob(
    name: "store", environment: "FUSEDINF_STORE", type: "directory",
    standard: defaultStore, meaning: "Where compiled models and their sources are kept.")
  static let budget = Knob(
    name: "budget", environment: "FUSEDINF_BUDGET", type: "size",
    standard: ByteSize(bytes: defaultBudget).description,
    meaning:
      "Hard bound on the memory held for models: weights, activations and the tensors of running requests. "
      + "The default is half of the machine's memory, or of the cgroup's limit when that is lower.")
  static let threads = Knob(
    name: "threads", environment: "FUSEDINF_THREADS", type: "count",
    standard: "\(ProcessInfo.processInfo.activeProcessorCount)",
    meaning:
      "Lanes, and the most threads that all lanes together compute with. The default is the number of cores.")
  static let deterministic = Knob(
    name: "deterministic", environment: "FUSEDINF_DETERMINISTIC", type: "flag", standard: "off",
    meaning:
      "Kernels run on one thread each, so that a model's result is the same bits whatever runs beside it.")
  static let planCache = Knob(
    name: "plan-cache", environment: "FUSEDINF_PLAN_CACHE", type: "size", standard: "256MiB",
    meaning:
      "The most bytes that plans (kernels chosen for concrete shapes) may keep; counted apart from the budget."
  )
  static let seed = Knob(
    name: "seed", environment: "FUSEDINF_SEED", type: "count", standard: "1",
    meaning: "Where the random numbers of inputs that are not given start.")

  /// Every knob there is.
  static let all = [store, budget, threads, deterministic, planCache, seed]

  /// Half of the memory that this process may use, in bytes.
  static var defaultBudget: Int { (MemoryLimit.current ?? 1 << 30) / 2 }

  private static var defaultStore: String {
    let environment = ProcessInfo.processInfo.environment
    let data = environment["XDG_DATA_HOME"] ?? (environment["HOME"] ?? ".") + "/.local/share"
    return data + "/fusedinf"
  }
}
