import Device
import Tensors

/// A plan's memory table on the host: a base address for each slot.
///
/// @unchecked Sendable: one lane uses a table at a time, which ``BoundMemory`` promises.
final class HostMemory: BoundMemory, @unchecked Sendable {
  var strings: StringTable?
  private var bases: [UnsafeMutableRawPointer?]
  private let pool: HostMemoryPool

  init(slots: Int, pool: HostMemoryPool) {
    bases = Array(repeating: nil, count: slots)
    self.pool = pool
  }

  func attach(_ span: MemorySpan, to slot: Int) throws {
    guard bases.indices.contains(slot) else {
      throw DeviceError(.invalidArgument, "slot \(slot) of a memory table of \(bases.count)")
    }
    bases[slot] = try pool.address(of: span.handle) + span.offset
  }

  /// The address of `location`. Slots are attached before a kernel that uses them runs.
  func pointer(_ location: Location) throws -> UnsafeMutableRawPointer {
    guard bases.indices.contains(location.slot), let base = bases[location.slot] else {
      throw DeviceError(.invalidArgument, "memory slot \(location.slot) is not attached")
    }
    return base + location.offset
  }

  /// The host's own table behind `memory`.
  static func of(_ memory: any BoundMemory) throws -> HostMemory {
    guard let host = memory as? HostMemory else {
      throw DeviceError(.invalidArgument, "a memory table of another device")
    }
    return host
  }
}
