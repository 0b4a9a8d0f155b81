extension ConnectionState {
  /// The bounds of one connection.
  package struct Limits {
    package var maxBodyBytes: Int
    /// From a connection's first moment, and from a request's first byte, to the header's end.
    package var headerTimeout: UInt64
    package var bodyTimeout: UInt64
    package var idleTimeout: UInt64
    package var minimumBytesPerSecond: UInt64

    package init(
      maxBodyBytes: Int, headerTimeout: UInt64, bodyTimeout: UInt64, idleTimeout: UInt64,
      minimumBytesPerSecond: UInt64
    ) {
      self.maxBodyBytes = maxBodyBytes
      self.headerTimeout = headerTimeout
      self.bodyTimeout = bodyTimeout
      self.idleTimeout = idleTimeout
      self.minimumBytesPerSecond = minimumBytesPerSecond
    }
  }
}
