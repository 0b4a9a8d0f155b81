import Device
import Executor
import Linker
import ModelStore
import Residency
import Tensors

/// The stages put together: models that are opened from a store, planned, linked, swapped and run on one device.
public final class Engine: Sendable {
  public let device: any Device
  public let residency: Residency
  public let planner: Planner
  public let executor: Executor
  public let models: ModelRepository
  public let configuration: EngineConfiguration

  public init(store: ModelStore, device: any Device, configuration: EngineConfiguration) {
    self.device = device
    self.configuration = configuration
    residency = Residency(device: device, budget: configuration.budget)
    planner = Planner(
      device: device, threads: configuration.kernelThreads, capacity: configuration.planCacheBytes,
      budget: configuration.budget, padsRows: !configuration.deterministic)
    executor = Executor(
      device: device, residency: residency, planner: planner, threads: configuration.threads)
    models = ModelRepository(
      store: store, device: device, ledger: MemoryLedger(capacity: configuration.modelCacheBytes),
      budget: configuration.budget)
  }

  /// Links plans into a program for this engine's lanes and budget.
  /// - Parameter sources: for each plan, those before it whose outputs it takes; empty when none takes any.
  public func link(_ plans: [Plan], sources: [[Int]] = []) throws -> FusedProgram {
    try FusedProgram.link(
      plans, lanes: executor.lanes, budget: configuration.budget, sources: sources)
  }
}
