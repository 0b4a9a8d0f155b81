import Device
import Engine
import Foundation

extension Knob where Value == String {
  public static var store: Knob {
    Knob(
      "store", .engine, .text("directory"), standard: defaultStore,
      "The store: the directory of compiled models and their sources.")
  }

  private static var defaultStore: String {
    let environment = ProcessInfo.processInfo.environment
    let data = environment["XDG_DATA_HOME"] ?? (environment["HOME"] ?? ".") + "/.local/share"
    return data + "/fusedinf"
  }
}

extension Knob where Value == Int {
  public static var budget: Knob {
    Knob(
      "budget", .engine, .size, standard: MemoryShares.current.budget,
      "The hard limit on memory for models: weights, activations and the tensors of running requests. "
        + "The default is half of the memory that the machine, or the cgroup's limit when that is lower, leaves beside the program."
    )
  }

  public static var threads: Knob {
    Knob(
      "threads", .engine, .count(1...1024), standard: ProcessInfo.processInfo.activeProcessorCount,
      "The number of lanes, and the maximum number of compute threads of all lanes together. The default is the number of cores."
    )
  }

  public static var planCache: Knob {
    Knob(
      "plan-cache", .engine, .size, standard: MemoryShares.current.plans,
      "The maximum memory of plans (kernels chosen for concrete shapes), those in use included, in addition to the budget. "
        + "The default is an eighth of the memory beside the program, at most 256 MiB.")
  }

  public static var modelCache: Knob {
    Knob(
      "model-cache", .engine, .size, standard: MemoryShares.current.models,
      "The maximum memory of opened models' graphs, in addition to the budget. Beyond it, the least recently used idle "
        + "models are closed; the next request opens them again. "
        + "The default is a sixteenth of the memory beside the program, at most 256 MiB.")
  }
}

extension Knob where Value == Bool {
  public static var deterministic: Knob {
    Knob(
      "deterministic", .engine, .flag, standard: false,
      "Run each kernel on one thread, so that a model's result is bit-identical whatever runs beside it.")
  }
}

extension Knob where Value == Subnormals {
  public static var subnormals: Knob {
    Knob(
      "subnormals", .engine, .words, standard: .flush,
      "The treatment of numbers of magnitude below 1.2e-38. 'flush': kernels treat them as zero. 'keep': kernels compute with "
        + "them, which is much slower on many processors.")
  }
}

extension Knob where Value == UInt64 {
  public static var seed: Knob {
    Knob(
      "seed", .run, .number, standard: 1,
      "The seed of the random numbers used for inputs that are not given.")
  }
}

extension Settings {
  /// The engine's limits.
  public var engine: EngineConfiguration {
    EngineConfiguration(
      budget: self[.budget], threads: self[.threads], deterministic: self[.deterministic],
      planCacheBytes: self[.planCache], modelCacheBytes: self[.modelCache])
  }
}
