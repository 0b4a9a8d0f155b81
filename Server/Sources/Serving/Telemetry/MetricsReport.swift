import Foundation
import InferenceProtocol
import Repository
import Residency
import Scheduler
import Telemetry

/// All metrics of a service, as Prometheus reads them: Triton's names where it has one ("Metrics" in Triton's user guide),
/// and the server's own, which begin with `fusedinf_`.
struct MetricsReport {
  private let service: InferenceService
  private var exposition = Exposition()

  init(_ service: InferenceService) { self.service = service }

  mutating func text() -> String {
    let usage = ProcessUsage.current()
    addTriton(usage)
    addRequests()
    addResidency()
    addScheduling()
    addTransport()
    addProcess(usage)
    return exposition.text
  }

  // MARK: Triton's

  private mutating func addTriton(_ usage: ProcessUsage) {
    let statistics = service.statistics.messages()
    let requests = service.telemetry.requests
    func family(
      _ name: String, _ help: String, _ value: (ModelStatisticsMessage) -> UInt64
    ) {
      exposition.family(
        name, .counter, help,
        statistics.map { (labels($0.name, $0.version), Double(value($0))) })
    }
    family("nv_inference_request_success", "Number of successful inference requests, all batch sizes") {
      $0.inferenceStats.success.count
    }
    exposition.family(
      "nv_inference_request_failure", .counter, "Number of failed inference requests, by reason",
      requests.sorted { $0.key < $1.key }.flatMap { model, counted in
        MetricsReport.reasons.map { reason in
          let count = counted.failures.filter { MetricsReport.reason($0.key) == reason }.values.reduce(0, &+)
          return (labels(model) + [("reason", reason)], Double(count))
        }
      })
    family("nv_inference_count", "Number of inferences performed") { $0.inferenceCount }
    family("nv_inference_exec_count", "Number of model executions performed") { $0.executionCount }
    family("nv_inference_request_duration_us", "Cumulative inference request duration in microseconds") {
      $0.inferenceStats.success.ns / 1000
    }
    family("nv_inference_queue_duration_us", "Cumulative inference queuing duration in microseconds") {
      $0.inferenceStats.queue.ns / 1000
    }
    family("nv_inference_compute_input_duration_us", "Cumulative compute input duration in microseconds") {
      $0.inferenceStats.computeInput.ns / 1000
    }
    family("nv_inference_compute_infer_duration_us", "Cumulative compute inference duration in microseconds")
    {
      $0.inferenceStats.computeInfer.ns / 1000
    }
    family(
      "nv_inference_compute_output_duration_us",
      "Cumulative inference compute output duration in microseconds"
    ) {
      $0.inferenceStats.computeOutput.ns / 1000
    }
    let waiting = Dictionary(
      service.scheduler.snapshot.models.map { (ModelVersion($0.name, $0.version), $0.waiting) },
      uniquingKeysWith: { first, _ in first })
    let known = Set(statistics.map { ModelVersion($0.name, Int($0.version) ?? 0) }).union(waiting.keys)
    exposition.family(
      "nv_inference_pending_request_count", .gauge,
      "Instantaneous number of pending requests awaiting execution",
      known.sorted().map { (labels($0), Double(waiting[$0] ?? 0)) })
    exposition.single(
      "nv_cpu_memory_total_bytes", .gauge, "CPU total memory (RAM), in bytes", usage.machineBytes)
    exposition.single(
      "nv_cpu_memory_used_bytes", .gauge, "CPU used memory (RAM), in bytes", usage.machineUsedBytes)
    if let share = service.processor.share() {
      exposition.family("nv_cpu_utilization", .gauge, "CPU utilization rate [0.0 - 1.0]", [([], share)])
    }
  }

  /// Triton's reasons.
  private static let reasons = ["BACKEND", "CANCELED", "OTHER", "REJECTED"]

  private static func reason(_ kind: ServiceError.Kind) -> String {
    switch kind {
    case .cancelled: "CANCELED"
    case .tooManyRequests, .deadlineExceeded, .unavailable, .tooLarge: "REJECTED"
    case .failed, .runFailed: "BACKEND"
    case .invalidRequest, .unauthenticated, .forbidden, .notFound, .unsupported: "OTHER"
    }
  }

  // MARK: Our own

  private mutating func addRequests() {
    let requests = service.telemetry.requests.sorted { $0.key < $1.key }
    exposition.histogram(
      "fusedinf_request_duration_seconds",
      "Time from admission to the answer; swap_in is true if weights had to be loaded for the request",
      limits: Distribution.coarseSeconds,
      requests.flatMap { model, counted in
        [
          (labels(model) + [("swap_in", "false")], counted.warm),
          (labels(model) + [("swap_in", "true")], counted.cold),
        ].filter { $0.1.count > 0 }
      })
    func histogram(
      _ name: String, _ help: String, _ path: KeyPath<ServerTelemetry.Requests, Distribution>
    ) {
      exposition.histogram(
        name, help, limits: Distribution.coarseSeconds,
        requests.filter { $0.value[keyPath: path].count > 0 }.map {
          (labels($0.key), $0.value[keyPath: path])
        })
    }
    histogram("fusedinf_queue_wait_seconds", "Time from admission to dispatch of answered requests", \.queue)
    histogram(
      "fusedinf_request_swap_in_seconds",
      "Time waiting for weights and memory, of requests that loaded weights",
      \.swapIn)
    histogram(
      "fusedinf_run_seconds", "Time from dispatch to the answer, without waiting for weights", \.compute)
    exposition.family(
      "fusedinf_request_failures_total", .counter, "Failed requests, by kind of error",
      requests.flatMap { model, counted in
        counted.failures.sorted { $0.key.rawValue < $1.key.rawValue }.map {
          (labels(model) + [("kind", $0.key.rawValue)], Double($0.value))
        }
      })
  }

  private mutating func addResidency() {
    let snapshot = service.engine.residency.snapshot
    let memory = LiveState.Memory(snapshot, weights: service.events.index(of: service))
    let swaps = service.telemetry.swaps
    exposition.single("fusedinf_budget_bytes", .gauge, "The memory budget for models", snapshot.budget)
    exposition.single(
      "fusedinf_resident_bytes", .gauge, "Memory counted against the budget now", snapshot.residentBytes)
    exposition.single(
      "fusedinf_peak_resident_bytes", .gauge, "Maximum memory counted against the budget so far",
      snapshot.peakBytes)
    exposition.single(
      "fusedinf_exclusive_bytes", .gauge, "Memory of the tensors of granted requests", snapshot.exclusiveBytes
    )
    exposition.single(
      "fusedinf_arena_bytes", .gauge, "Memory of activation arenas", memory.arenas.reduce(0, +))
    exposition.single(
      "fusedinf_pinned_bytes", .gauge, "Memory of pinned items", bytes(snapshot) { $0.isPinned })
    exposition.single(
      "fusedinf_leased_bytes", .gauge, "Memory of items in use by runs", bytes(snapshot) { $0.leases > 0 })
    exposition.family(
      "fusedinf_weights_resident_bytes", .gauge,
      "Resident weights; shared=true for weights that several models use and that are held once",
      [
        (
          [("shared", "false")],
          Double(memory.groups.filter { $0.models.count < 2 }.reduce(0) { $0 + $1.resident })
        ),
        (
          [("shared", "true")],
          Double(memory.groups.filter { $0.models.count > 1 }.reduce(0) { $0 + $1.resident })
        ),
      ])
    exposition.single(
      "fusedinf_weights_saved_bytes", .gauge,
      "Additional memory that resident weights would take without sharing",
      memory.groups.reduce(0) { $0 + $1.resident * max(0, $1.models.count - 1) })
    exposition.single(
      "fusedinf_reservations_waiting", .gauge, "Runs waiting for memory", snapshot.waiting.count)
    let ways = [("warm", swaps.warm), ("cold", swaps.cold)]
    exposition.family(
      "fusedinf_loaded_bytes_total", .counter,
      "Bytes of weights loaded: warm from the page cache, cold if the load waited for storage",
      ways.map { ([("way", $0.0)], Double($0.1.bytes)) })
    exposition.histogram(
      "fusedinf_swap_in_seconds", "Time to load one extent; the count is the number of swap-ins",
      limits: Distribution.coarseSeconds, ways.map { ([("way", $0.0)], $0.1.seconds) })
    exposition.single(
      "fusedinf_load_failures_total", .counter, "Extents that failed to load", swaps.failed)
    exposition.single(
      "fusedinf_reservation_hits_total", .counter, "Extents that a run found resident",
      snapshot.counters.hits)
    exposition.single("fusedinf_evictions_total", .counter, "Extents evicted", swaps.evicted)
    exposition.single(
      "fusedinf_evicted_bytes_total", .counter, "Bytes of extents evicted", swaps.evictedBytes)
    exposition.histogram(
      "fusedinf_eviction_age_seconds", "Time that extents had been resident when they were evicted",
      limits: swaps.evictionAge.bounds, [([], swaps.evictionAge)])
    let plans = service.engine.planner.usage
    exposition.single(
      "fusedinf_plan_cache_bytes", .gauge, "Memory of plans and compiled code, those in use included",
      plans.bytes)
    exposition.single(
      "fusedinf_plan_cache_bytes_limit", .gauge, "The most memory of plans and compiled code",
      service.engine.planner.capacity)
    exposition.single("fusedinf_plan_cache_plans", .gauge, "Cached plans", plans.plans)
    exposition.single(
      "fusedinf_open_models", .gauge, "Models with open files", service.catalog.openModels.count)
    let ledger = service.engine.models.ledger
    exposition.single(
      "fusedinf_model_cache_bytes", .gauge, "Memory of opened models' graphs", ledger.usedBytes)
    exposition.single(
      "fusedinf_model_cache_bytes_limit", .gauge, "The most memory of opened models' graphs", ledger.capacity)
    exposition.family(
      "fusedinf_memory_limit_bytes", .gauge,
      "The most memory of each part of the process; the sum bounds the process",
      service.configuration.memoryLimits.sorted { $0.key < $1.key }.map {
        ([("part", $0.key)], Double($0.value))
      })
  }

  private mutating func addScheduling() {
    let snapshot = service.scheduler.snapshot
    let decisions = service.telemetry.decisions
    exposition.single("fusedinf_queue_requests", .gauge, "Waiting requests", snapshot.waitingRequests)
    exposition.single(
      "fusedinf_request_bytes", .gauge, "Bytes of requests and answers held now", service.bytes.usedBytes
    )
    exposition.single(
      "fusedinf_request_bytes_limit", .gauge, "Limit on the bytes of requests and answers held",
      service.bytes.limit)
    exposition.single("fusedinf_queue_bytes", .gauge, "Bytes of waiting input tensors", snapshot.waitingBytes)
    exposition.single(
      "fusedinf_running_members", .gauge, "Running members of fused programs", snapshot.runningMembers)
    exposition.single(
      "fusedinf_lanes", .gauge, "Lanes: the number of members that can run at once",
      service.engine.executor.lanes)
    exposition.histogram(
      "fusedinf_program_width", "Members of the running fused program when a member joined, itself included",
      limits: decisions.width.bounds, [([], decisions.width)])
    exposition.histogram(
      "fusedinf_batch_size", "Requests run as one batch", limits: decisions.batch.bounds,
      [([], decisions.batch)])
    exposition.family(
      "fusedinf_refusals_total", .counter, "Requests refused by the scheduler, by kind",
      SchedulerError.Kind.allCases.map {
        ([("kind", $0.rawValue)], Double(decisions.refusals[$0] ?? 0))
      })
    exposition.single(
      "fusedinf_cancelled_total", .counter, "Requests that left the queue because their clients disconnected",
      decisions.cancelled)
    exposition.single(
      "fusedinf_expired_total", .counter, "Models whose keep-alive time ended", decisions.expired)
    let compilations = service.telemetry.compilations
    exposition.family(
      "fusedinf_compilations_total", .counter,
      "Compilations of repository models and uploads, by outcome",
      CompileOutcome.names.map { ([("outcome", $0)], Double(compilations[$0] ?? 0)) })
    var states: [RepositoryIndexEntry.State: Int] = [:]
    for entry in service.catalog.index { states[entry.state, default: 0] += 1 }
    exposition.family(
      "fusedinf_models", .gauge, "Models and versions in the catalog, by state",
      [RepositoryIndexEntry.State.ready, .loading, .unloading, .unavailable].map {
        ([("state", $0.rawValue)], Double(states[$0] ?? 0))
      })
  }

  private mutating func addTransport() {
    let transport = service.telemetry.transport
    exposition.family(
      "fusedinf_requests_total", .counter, "Requests by route and status",
      transport.requests.counts.sorted {
        ($0.key.transport, $0.key.route, $0.key.status) < ($1.key.transport, $1.key.route, $1.key.status)
      }.map {
        (
          [("transport", $0.key.transport), ("route", $0.key.route), ("status", "\($0.key.status)")],
          Double($0.value)
        )
      })
    exposition.single(
      "fusedinf_received_bytes_total", .counter, "Bytes of HTTP request bodies", transport.receivedBytes)
    exposition.single(
      "fusedinf_connections", .gauge, "Open HTTP connections", transport.openConnections)
    let events = service.events.usage
    exposition.single(
      "fusedinf_event_subscribers", .gauge, "Subscribers of the server's event stream", events.subscribers)
    exposition.single(
      "fusedinf_event_subscribers_dropped_total", .counter,
      "Event subscribers dropped because they did not keep up",
      events.dropped)
  }

  private mutating func addProcess(_ usage: ProcessUsage) {
    exposition.single(
      "process_resident_memory_bytes", .gauge, "Resident memory, mapped files included", usage.residentBytes)
    exposition.single("process_open_fds", .gauge, "Open file descriptors", usage.openFiles)
    exposition.single("process_threads", .gauge, "Threads", usage.threads)
    exposition.family(
      "process_cpu_seconds_total", .counter, "User and system CPU time",
      [([], usage.processorSeconds)])
    exposition.single(
      "fusedinf_storage_read_bytes_total", .counter, "Bytes read from storage for this process",
      usage.storageReadBytes)
    exposition.single(
      "fusedinf_major_page_faults_total", .counter, "Page faults that waited for storage", usage.majorFaults)
    exposition.family(
      "fusedinf_build_info", .gauge, "The server's version and its target",
      [
        (
          [("version", InferenceService.version), ("target", service.engine.device.target.description)], 1
        )
      ])
  }

  private func bytes(_ snapshot: ResidencySnapshot, _ isCounted: (ResidencySnapshot.Item) -> Bool) -> Int {
    snapshot.items.reduce(0) { $0 + ($1.state != .failed && isCounted($1) ? $1.byteCount : 0) }
  }

  private func labels(_ model: ModelVersion) -> Exposition.Labels { labels(model.name, "\(model.version)") }

  private func labels(_ model: String, _ version: String) -> Exposition.Labels {
    [("model", model), ("version", version)]
  }
}

extension InferenceService {
  /// All metrics, in Prometheus' text format (``Exposition/contentType``).
  public var metricsText: String {
    var report = MetricsReport(self)
    return report.text()
  }
}
