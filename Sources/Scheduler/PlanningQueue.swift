import Device
import Foundation

/// Makes plans and inspects models, a few at a time, in the order of ``PlanningOrder``. Work that takes long holds up
/// nobody: while it goes on, another thread takes its place.
final class PlanningQueue: Sendable {
  private let order = Locked(PlanningOrder<@Sendable () -> Void>())
  private let threads: OperationQueue
  private let long: LongWork

  /// - Parameters:
  ///   - name: for debuggers.
  ///   - width: how many plans are made at a time.
  init(named name: String, width: Int) {
    threads = OperationQueue()
    threads.name = name
    threads.maxConcurrentOperationCount = width
    long = LongWork(of: threads, width: width)
  }

  func add(tenant: String, model: ModelID, _ work: @escaping @Sendable () -> Void) {
    order.withLock { $0.add(work, tenant: tenant, model: model) }
    // One of these for each piece of work; which it does is decided when its turn comes.
    threads.addOperation { [order, long] in
      guard let work = order.withLock({ $0.next() }) else { return }
      long.watch(work)
    }
  }
}

/// Gives a queue one thread more for each piece of work that has gone on for long, up to a bound.
private final class LongWork: Sendable {
  /// The seconds after which work counts as long; an ordinary plan takes less.
  private static let patience = 0.25
  /// The most threads that a queue gets beside its own.
  private static let most = 4

  private let threads: OperationQueue
  private let width: Int
  private let count = Locked(0)

  init(of threads: OperationQueue, width: Int) {
    self.threads = threads
    self.width = width
  }

  func watch(_ work: () -> Void) {
    let state = Locked((isDone: false, isLong: false))
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) { [self] in
      state.withLock { state in
        guard !state.isDone else { return }
        state.isLong = true
        change(by: 1)
      }
    }
    work()
    state.withLock { state in
      state.isDone = true
      if state.isLong { change(by: -1) }
    }
  }

  private func change(by step: Int) {
    count.withLock { count in
      count += step
      threads.maxConcurrentOperationCount = width + min(count, Self.most)
    }
  }
}

/// The planning order: tenants take turns, and so do the models of each tenant. Nobody waits for more than
/// one plan of each other tenant, however many these request. A model's plans are made in the order of their
/// requests.
package struct PlanningOrder<Work: Sendable>: Sendable {
  private struct Tenant: Sendable {
    /// In the order of their turns.
    var models: [ModelID] = []
    var work: [ModelID: [Work]] = [:]
  }

  /// In the order of their turns.
  private var turns: [String] = []
  private var tenants: [String: Tenant] = [:]

  package init() {}

  package mutating func add(_ work: Work, tenant name: String, model: ModelID) {
    if tenants[name] == nil { turns.append(name) }
    var tenant = tenants.removeValue(forKey: name) ?? Tenant()
    if tenant.work[model] == nil { tenant.models.append(model) }
    tenant.work[model, default: []].append(work)
    tenants[name] = tenant
  }

  /// Takes the next piece of work.
  package mutating func next() -> Work? {
    guard !turns.isEmpty else { return nil }
    let name = turns.removeFirst()
    guard var tenant = tenants.removeValue(forKey: name), !tenant.models.isEmpty else { return nil }
    let model = tenant.models.removeFirst()
    let work = tenant.work[model]?.removeFirst()
    if tenant.work[model]?.isEmpty == true {
      tenant.work[model] = nil
    } else {
      tenant.models.append(model)
    }
    if !tenant.models.isEmpty {
      turns.append(name)
      tenants[name] = tenant
    }
    return work
  }
}
