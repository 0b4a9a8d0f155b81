/// The most bytes that pass through TLS at once. TLS keeps its buffers for as long as the connection, as large as they have been.
package enum TLSPiece {
  /// One record: the plain text of one read is collected in one buffer.
  package static let readBytes = 16 << 10
  /// One record, with its header and its tag in 16 KiB.
  package static let writtenBytes = 16_000
}
