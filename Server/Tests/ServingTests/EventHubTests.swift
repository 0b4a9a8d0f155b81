import Device
import Engine
import Foundation
import Logging
import ModelStore
import Testing

import Serving

/// Subscribers of a server's events, and the conditions under which they are dropped.
@Suite(.timeLimit(.minutes(5))) struct EventHubTests {
  /// A service without models on the device that does no arithmetic.
  private func makeService() throws -> InferenceService {
    let folder = NSTemporaryDirectory() + "fusedinf-events-\(UUID().uuidString)"
    return InferenceService(
      engine: Engine(
        store: try ModelStore(directory: folder), device: NullDevice(),
        configuration: EngineConfiguration(budget: 1 << 20, threads: 1)),
      configuration: ServiceConfiguration(), log: Logger(label: "test"))
  }

  @Test func nothingIsKeptWhileNobodyWatches() throws {
    let service = try makeService()
    service.telemetry.feed.evicted(extent: "a", byteCount: 1, at: 1)
    #expect(service.telemetry.feed.take().count == 0)
  }

  @Test func aReaderThatDoesNotKeepUpIsDroppedAndTheOthersAreNot() async throws {
    let service = try makeService()
    let hub = EventHub(limit: 2, period: .milliseconds(1), heartbeat: .zero)
    let slow = try hub.subscribe(to: service)
    var quick = try hub.subscribe(to: service).makeAsyncIterator()
    while hub.usage.dropped == 0 { #expect(await quick.next() != nil) }
    #expect(hub.usage.subscribers == 1)
    // Its queued events are still there, and then its stream ends.
    var left = 0
    for await _ in slow { left += 1 }
    #expect(left == EventHub.buffer)
    hub.close()
    while await quick.next() != nil {}
  }

  @Test func noMoreThanTheLimitMayWatch() async throws {
    let service = try makeService()
    let hub = EventHub(limit: 1, period: .milliseconds(1), heartbeat: .zero)
    let first = try hub.subscribe(to: service)
    #expect(throws: ServiceError.self) { try hub.subscribe(to: service) }
    hub.close()
    for await _ in first {}
    #expect(throws: ServiceError.self) { try hub.subscribe(to: service) }
  }

  @Test func watchingEndsWithTheLastReader() async throws {
    let service = try makeService()
    let hub = EventHub(limit: 1, period: .milliseconds(1), heartbeat: .zero)
    do {
      var reader = try hub.subscribe(to: service).makeAsyncIterator()
      _ = await reader.next()
      #expect(service.telemetry.feed.isWatched)
    }
    hub.close()
    while service.telemetry.feed.isWatched { await Task.yield() }
  }
}
