/// The arrangement of a tensor's elements in device memory: dense and row-major, or as the device's own
/// descriptor says.
///
/// The descriptor is opaque above the device. Equal layouts have equal descriptors.
public struct Layout: Sendable, Hashable, Codable {
  /// Empty for the plain layout.
  public var descriptor: [UInt8]

  public init(descriptor: [UInt8]) { self.descriptor = descriptor }

  /// Dense and row-major.
  public static let plain = Layout(descriptor: [])
}
