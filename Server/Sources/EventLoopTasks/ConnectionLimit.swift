import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A connection that is idle is to be closed, for the sake of others.
package struct ConnectionShouldLeave: Sendable {}

/// Bounds the connections of one port. Where there are as many as there may be, an idle one gives way to each that is accepted;
/// without an idle one, none is accepted until one has closed. The system keeps those that come meanwhile.
package final class ConnectionLimit: Sendable {
  private struct State: Sendable {
    var crowd: ConnectionCrowd<ObjectIdentifier>
    var channels: [ObjectIdentifier: any Channel] = [:]
    var onRoom: (@Sendable () -> Void)?
    var holes = HeapHoles()
  }

  private let state: Mutex<State>

  private let trimHeap: @Sendable () -> Void

  /// - Parameter trimHeap: gives the heap's holes back to the system; called on a thread of its own (``HeapHoles``).
  package init(_ limit: Int, trimHeap: @escaping @Sendable () -> Void) {
    state = Mutex(State(crowd: ConnectionCrowd(limit: limit)))
    self.trimHeap = trimHeap
  }

  /// Limits what a listening channel accepts.
  package func handler(for listener: any Channel) -> some ChannelHandler & Sendable {
    let handler = AcceptHandler(limit: self, eventLoop: listener.eventLoop)
    state.withLock { $0.onRoom = { listener.eventLoop.execute { handler.resume() } } }
    return handler
  }

  package func becameIdle(_ channel: any Channel) {
    let (leaving, onRoom, isTimeToTrim) = state.withLock { state in
      let wasFull = state.crowd.isFull
      let isTimeToTrim = state.holes.becameIdle(of: state.crowd.count)
      let leaving = state.crowd.becameIdle(ObjectIdentifier(channel)).flatMap { state.channels[$0] }
      return (leaving, wasFull && !state.crowd.isFull ? state.onRoom : nil, isTimeToTrim)
    }
    close(leaving)
    // One that waits to be accepted takes this one's place, or an older one's.
    onRoom?()
    if isTimeToTrim { NIOThreadPool.singleton.submit { [trimHeap] _ in trimHeap() } }
  }

  package func becameBusy(_ channel: any Channel) {
    state.withLock { $0.crowd.becameBusy(ObjectIdentifier(channel)) }
  }

  fileprivate var isFull: Bool { state.withLock { $0.crowd.isFull } }

  /// Counts a connection until it is closed.
  fileprivate func opened(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    let leaving = state.withLock { state in
      state.channels[id] = channel
      return state.crowd.opened(id).flatMap { state.channels[$0] }
    }
    close(leaving)
    channel.closeFuture.whenComplete { [self] _ in
      let onRoom = state.withLock { state in
        state.crowd.closed(id)
        state.holes.closed(of: state.crowd.count)
        state.channels[id] = nil
        return state.onRoom
      }
      onRoom?()
    }
  }

  /// Gives up an idle connection for its descriptor.
  fileprivate func makeRoom() {
    close(state.withLock { state in state.crowd.leaves().flatMap { state.channels[$0] } })
  }

  /// After whatever is done for it just now: a transport may be setting it up.
  private func close(_ channel: (any Channel)?) {
    channel?.eventLoop.execute { channel?.pipeline.fireUserInboundEventTriggered(ConnectionShouldLeave()) }
  }
}

/// Accepts connections for one listening channel while there is room for them, and while the system has descriptors.
///
/// Only used on its event loop, but for its references.
private final class AcceptHandler: ChannelDuplexHandler, @unchecked Sendable {
  typealias InboundIn = any Channel
  typealias OutboundIn = Never

  private let limit: ConnectionLimit
  private let eventLoop: any EventLoop
  private var context: ChannelHandlerContext?
  private var waitsForRoom = false
  private var waitsForDescriptors = false
  /// Connections that were accepted while the last idle one became busy. They wait here for room.
  private var early: [NIOAny] = []

  init(limit: ConnectionLimit, eventLoop: any EventLoop) {
    self.limit = limit
    self.eventLoop = eventLoop
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    for data in early { unwrapInboundIn(data).close(promise: nil) }
    early = []
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    early.append(data)
    admitEarly(context)
  }

  private func admitEarly(_ context: ChannelHandlerContext) {
    while !early.isEmpty, !limit.isFull {
      let data = early.removeFirst()
      limit.opened(unwrapInboundIn(data))
      context.fireChannelRead(data)
    }
  }

  func read(context: ChannelHandlerContext) {
    if limit.isFull || !early.isEmpty { waitsForRoom = true } else { context.read() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    // The connection stays in the system's queue, and the socket readable: without a pause, the event loop would do nothing
    // but fail to accept it.
    waitsForDescriptors = true
    try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    limit.makeRoom()
    let pause = eventLoop.assumeIsolated()
    pause.scheduleTask(in: .milliseconds(100)) { self.resume() }
  }

  /// There may be room again.
  func resume() {
    guard let context else { return }
    if waitsForDescriptors {
      waitsForDescriptors = false
      try? context.channel.syncOptions?.setOption(.autoRead, value: true)
    }
    admitEarly(context)
    if waitsForRoom, early.isEmpty, !limit.isFull {
      waitsForRoom = false
      context.read()
    }
  }
}
