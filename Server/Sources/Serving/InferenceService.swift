import Engine
import InferenceProtocol
import Logging
import Scheduler
import Tensors

/// The server's functions, independent of the transport.
public final class InferenceService: Sendable {
  public let engine: Engine
  public let scheduler: Scheduler
  public let configuration: ServiceConfiguration
  public let catalog: ModelCatalog
  public let statistics = StatisticsBook()
  public let sharedMemory: SharedMemoryRegions
  /// The service that watches the repository and compiles models. Its run method must be running.
  public let repository: RepositoryService
  /// The service that verifies the files. Its run method must be running.
  public let integrity: IntegrityService
  let lifecycle: ModelLifecycle
  public let access: AccessPolicy
  /// The account of requests and answers, over all transports.
  public let bytes: ByteAccount
  public let readiness = Readiness()
  public let telemetry = ServerTelemetry()
  public let events = EventHub(limit: 32)
  let processor = ProcessorMeter()
  /// Copies of shared memory, and classifications, that are large.
  let work = BlockingWork("fusedinf.infer")
  public let log: Logger
  /// Uploads of one model follow one another.
  let uploads = Turns()

  public init(
    engine: Engine, configuration: ServiceConfiguration, access: AccessPolicy = AccessPolicy(), log: Logger
  ) {
    self.engine = engine
    self.configuration = configuration
    self.log = log
    self.access = access
    bytes = ByteAccount(limit: configuration.maxHeldBytes)
    scheduler = Scheduler(engine: engine, configuration: configuration.scheduler)
    catalog = ModelCatalog(
      models: engine.models,
      hiding: HiddenPaths([engine.models.store.directory] + [configuration.repository].compactMap { $0 }),
      log: log, maxOpen: configuration.maxOpenModels,
      onOpen: { [scheduler] model, settings in
        if let keepAlive = settings.keepAlive { scheduler.setKeepAlive(keepAlive, of: model) }
      },
      isIdle: { [scheduler] in scheduler.isIdle($0) },
      onClose: { [scheduler] in await scheduler.close($0) })
    lifecycle = ModelLifecycle(catalog: catalog, scheduler: scheduler)
    repository = RepositoryService(
      engine: engine, configuration: configuration, lifecycle: lifecycle, telemetry: telemetry, log: log)
    integrity = IntegrityService(
      engine: engine, configuration: configuration, lifecycle: lifecycle, log: log)
    sharedMemory = SharedMemoryRegions(
      isAllowed: configuration.allowsSharedMemory, maxTensorBytes: configuration.maxRequestBytes)
    engine.residency.onChange = { [telemetry] in telemetry.observe($0) }
    scheduler.onEvent = { [telemetry] in telemetry.observe($0) }
  }

  /// Returns the error that a client receives for `error`. File locations are left out; the log has them.
  func failure(_ error: any Error, model: String) -> ServiceError {
    let failure = ServiceError(error, model: model)
    let told = catalog.hidden.removed(from: failure.description)
    if told == failure.description { return failure }
    log.warning(
      "failed", metadata: ["model": "\(shown(model))", "reason": "\(failure.description)"])
    return failure.saying(told)
  }
}
