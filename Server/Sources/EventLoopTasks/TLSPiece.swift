/// The most bytes that pass through TLS at once. TLS keeps its buffers for as long as the connection, as large as they have been.
package enum TLSPiece {
  /// One record: the plain text of one read is collected in one buffer.
  package static let readBytes = 16 << 10
  /// With what HTTP/2 and TLS add, and a header beside it, less than the 16 KiB that TLS begins with.
  package static let writtenBytes = 8 << 10
}
