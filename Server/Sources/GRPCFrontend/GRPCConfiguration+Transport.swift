import EventLoopTasks
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import InferenceProtocol
import NIOCore

extension GRPCConfiguration {
  /// Metadata are read up to so many times their limit, to be refused with a status; beyond that their connection ends.
  private static let readHeaderFactor = 4

  /// The transport that listens as configured.
  /// - Parameter account: what requests and answers are counted in.
  func transport(_ account: ByteAccount) -> HTTP2ServerTransport.Posix {
    let connections = ConnectionLimit(maxConnections, trimHeap: trimHeap)
    let calls = OpenChannels(limit: maxOpenCalls)
    let bounds = RequestLimits.Bounds(
      origins: origins, maxHeaderBytes: maxHeaderBytes, maxMessageBytes: maxMessageBytes,
      patience: TimeAmount(messageTimeout), idlePatience: maxIdle.map { TimeAmount($0) },
      minimumBytesPerSecond: UInt64(max(minimumBytesPerSecond, 1)),
      writtenBytes: tls == nil ? .max : TLSPiece.writtenBytes)
    return HTTP2ServerTransport.Posix(
      address: host.contains(":") ? .ipv6(host: host, port: port) : .ipv4(host: host, port: port),
      transportSecurity: tls.map { files in
        .tls(
          certificateChain: [.file(path: files.certificatePath, format: .pem)],
          privateKey: .file(path: files.keyPath, format: .pem))
      } ?? .plaintext,
      config: .defaults { config in
        config.rpc.maxRequestPayloadSize = maxMessageBytes
        config.http2.targetWindowSize = windowBytes
        config.http2.maxFrameSize = maxFrameBytes
        config.http2.maxConcurrentStreams = maxConcurrentCalls
        // See ``ConnectionIdleness``.
        config.connection.maxIdleTime = nil
        config.connection.keepalive.time = keepaliveTime
        config.connection.keepalive.timeout = keepaliveTimeout
        config.connection.keepalive.clientBehavior.allowWithoutCalls = true
        config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = minPingInterval
        // An answer leaves when it is done: waiting for more to send with it is a tenth of a millisecond too long.
        config.connection.flushCoalescing = nil
        config.channelDebuggingCallbacks.onBindTCPListener = { channel in
          channel.pipeline.addHandler(connections.handler(for: channel), position: .first)
        }
        config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
          channel.eventLoop.makeCompletedFuture {
            try HeaderLimits.add(
              to: channel, patience: TimeAmount(headerTimeout),
              maxHeaderBytes: Self.readHeaderFactor * maxHeaderBytes, account: account)
            // HTTP/2 keeps a buffer as large as the largest read.
            try ReceiveBuffers.use(maximum: TLSPiece.readBytes, in: channel)
            try LingeringClose.add(to: channel, patience: TimeAmount(messageTimeout))
            try channel.pipeline.syncOperations.addHandler(
              ConnectionIdleness(patience: maxIdle.map { TimeAmount($0) }, limit: connections),
              position: .first)
          }
        }
        config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { channel in
          channel.eventLoop.makeCompletedFuture {
            let isOnly = ConnectionIdleness.count(channel)
            try channel.pipeline.syncOperations.addHandler(
              RequestLimits(
                isOneTooMany: calls.add(channel), isOnly: isOnly, bounds: bounds, account: account),
              position: .first)
          }
        }
        config.compression.enabledAlgorithms = compression ? [.gzip, .deflate] : .none
      })
  }
}
