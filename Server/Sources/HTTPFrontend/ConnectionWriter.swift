import Device
import Hummingbird
import InferenceProtocol
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Gives a connection its answer, from whatever thread. A response whose length is known leaves in one piece.
final class ConnectionWriter: Sendable {
  private let handler: NIOLoopBound<ConnectionHandler>
  private let eventLoop: any EventLoop

  init(handler: NIOLoopBound<ConnectionHandler>, eventLoop: any EventLoop) {
    self.handler = handler
    self.eventLoop = eventLoop
  }

  /// Writes a whole response; returns when its last byte has been handed to the connection.
  /// - Parameter held: what the response is counted in until the connection does.
  func write(_ response: Response, holding held: HeldBytes) async throws {
    let status = HTTPResponseStatus(
      statusCode: response.status.code, reasonPhrase: response.status.reasonPhrase)
    var headers = HTTPHeaders()
    headers.reserveCapacity(response.headers.count + 1)
    for field in response.headers { headers.add(name: field.name.rawName, value: field.value) }
    let isLengthKnown = response.body.contentLength != nil
    try await response.body.write(
      BodyWriter(
        connection: self, head: (status, headers), isLengthKnown: isLengthKnown, held: held))
  }

  func abort() { eventLoop.execute { [handler] in handler.value.abort() } }

  private func perform(_ body: @escaping @Sendable (ConnectionHandler) -> Void) {
    if eventLoop.inEventLoop {
      body(handler.value)
    } else {
      eventLoop.execute { [handler] in body(handler.value) }
    }
  }

  /// The most bytes of a response of known length that are gathered before they are sent.
  private static let gathered = 4 << 20

  private struct BodyWriter: ResponseBodyWriter {
    let connection: ConnectionWriter
    var head: (HTTPResponseStatus, HTTPHeaders)?
    let isLengthKnown: Bool
    let held: HeldBytes
    var parts: [ByteBuffer] = []
    var byteCount = 0

    mutating func write(_ buffer: ByteBuffer) async throws {
      parts.append(buffer)
      byteCount += buffer.readableBytes
      if !isLengthKnown || byteCount > ConnectionWriter.gathered { try await send() }
    }

    private mutating func send() async throws {
      let head = head
      let parts = parts
      self.head = nil
      self.parts = []
      byteCount = 0
      let promise = connection.eventLoop.makePromise(of: Void.self)
      connection.perform { handler in
        if let head { handler.begin(head.0, head.1) }
        for part in parts.dropLast() { handler.add(part, promise: nil) }
        handler.add(parts.last ?? ByteBuffer(), promise: promise)
        handler.flush(promise)
      }
      try await promise.futureResult.get()
      try Task.checkCancellation()
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
      let head = head
      let parts = parts
      connection.perform { [held] handler in
        if let head { handler.begin(head.0, head.1) }
        for part in parts { handler.add(part, promise: nil) }
        handler.finish()
        withExtendedLifetime(held) {}
      }
    }
  }
}
