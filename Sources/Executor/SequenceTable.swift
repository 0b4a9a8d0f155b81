import Device
import Tensors

/// The sequences that enter a plan, by the handles that stand for them in its memory while it runs.
struct SequenceTable {
  private var lists: [[Tensor]] = []

  /// Returns the handle of a sequence; 0 for an absent optional.
  mutating func handle(of sequence: Tensor) -> Int64 {
    guard let list = sequence.list else { return 0 }
    lists.append(list)
    return Int64(lists.count)
  }

  /// The sequence that a handle stands for.
  /// - Throws: ``DeviceError`` if it stands for none.
  func sequence(_ handle: Int64) throws -> Tensor {
    if handle == 0 { return try Tensor(list: nil) }
    guard let index = Int(exactly: handle).map({ $0 &- 1 }), lists.indices.contains(index) else {
      throw DeviceError(.invalidArgument, "there is no sequence with the handle \(handle)")
    }
    return try Tensor(list: lists[index])
  }
}

extension MemberRun {
  /// Writes the handle of `sequence` where its plan reads it.
  func write(
    _ sequence: Tensor, to location: Location, of memory: any BoundMemory, _ table: inout SequenceTable
  ) throws {
    try withUnsafeBytes(of: table.handle(of: sequence)) { try device.write($0, to: location, of: memory) }
  }

  /// Reads the handle of a sequence; returns the sequence.
  func readSequence(from location: Location, of memory: any BoundMemory, _ table: SequenceTable) throws
    -> Tensor
  {
    var handle: Int64 = 0
    try withUnsafeMutableBytes(of: &handle) { try device.read($0, from: location, of: memory) }
    return try table.sequence(handle)
  }
}
