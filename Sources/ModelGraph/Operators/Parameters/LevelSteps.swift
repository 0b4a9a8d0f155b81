/// The numbers that 8-bit levels stand for: `(level − zero) · scale`, in `float32`.
package struct LevelSteps: Sendable, Hashable, Codable {
  /// A `float32` number, positive and finite.
  package var scale: Double
  package var zero: Int

  package init(scale: Double, zero: Int) {
    self.scale = scale
    self.zero = zero
  }

  /// A level's zero point is a level: of `int8` or `uint8`.
  static let zeros = -128...255
}

extension LevelSteps: Packable {
  package func pack(into writer: inout GraphWriter) {
    scale.pack(into: &writer)
    writer.write(zero)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let scale = try reader.read(Double.self)
    self.init(scale: scale, zero: try reader.read(Int.self))
    guard Self.zeros.contains(zero) else { throw reader.failure("levels have the zero point \(zero)") }
  }
}
