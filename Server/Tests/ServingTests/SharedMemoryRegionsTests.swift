import Foundation
import InferenceProtocol
import Serving
import Tensors
import Testing

/// A shared-memory object of this process, removed with its last reference.
private final class Object {
  let key: String
  private let descriptor: Int32

  init(_ bytes: [UInt8]) throws {
    key = "/fusedinf-test-\(UInt64.random(in: 0 ..< .max))"
    descriptor = shm_open(key, O_RDWR | O_CREAT | O_EXCL, 0o600)
    try #require(descriptor >= 0)
    try #require(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
  }

  deinit {
    close(descriptor)
    shm_unlink(key)
  }

  func truncate(to size: Int) { ftruncate(descriptor, off_t(size)) }

  func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    return pread(descriptor, &bytes, count, 0) == count ? bytes : []
  }
}

private func regions() -> SharedMemoryRegions {
  SharedMemoryRegions(isAllowed: true, maxTensorBytes: 1 << 20)
}

private func range(_ offset: Int, _ count: Int) -> SharedMemoryRange {
  SharedMemoryRange(region: "r", offset: offset, byteCount: count)
}

private func output(_ values: [Int32]) throws -> NamedTensor {
  let tensor = try Tensor(values, shape: try Shape(checking: [values.count]))
  return NamedTensor(name: "y", datatype: .int32, shape: tensor.shape, contents: .tensor(tensor))
}

@Suite(.timeLimit(.minutes(5))) struct SharedMemoryRegionsTests {
  @Test func nothingIsRegisteredUnlessTheOperatorAllowsIt() throws {
    let object = try Object([1, 2, 3, 4])
    let regions = SharedMemoryRegions(isAllowed: false, maxTensorBytes: 1 << 20)
    #expect(throws: ServiceError.self) {
      try regions.register(name: "r", key: object.key, offset: 0, byteCount: 4)
    }
  }

  @Test func aTensorIsReadFromWhereItLies() throws {
    let object = try Object([9, 9, 1, 0, 0, 0, 2, 0, 0, 0])
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 2, byteCount: 8)
    guard case .tensor(let tensor) = try regions.tensor(range(4, 4), datatype: .int32, shape: [1]) else {
      Issue.record("no tensor")
      return
    }
    #expect(try tensor.elements(as: Int32.self) == [2])
    let known = try regions.status(name: nil)
    #expect(known.map(\.key) == [object.key])
    #expect(known.map { [$0.offset, $0.byteCount] } == [[2, 8]])
  }

  @Test func stringsAreReadAndWrittenWithTheirLengths() throws {
    let object = try Object([2, 0, 0, 0, 65, 66, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 10))
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 20)
    guard case .strings(let strings) = try regions.tensor(range(0, 10), datatype: .bytes, shape: [2]) else {
      Issue.record("no strings")
      return
    }
    #expect(strings == [[65, 66], []])
    let targets = try regions.targets(of: [RequestedOutput(name: "y", shared: range(10, 10))])
    let written = try targets.write(
      NamedTensor(name: "y", datatype: .bytes, shape: [1], contents: .strings([[67]])), to: range(10, 10))
    #expect(written == range(10, 5))
    #expect(Array(object.bytes(20)[10...]) == [1, 0, 0, 0, 67, 7, 7, 7, 7, 7])
  }

  @Test(
    arguments: [
      [3, 0, 0, 0, 65, 66], [255, 255, 255, 255, 65, 66], [1, 0, 0, 0, 65, 66], [0, 0, 0], [],
    ] as [[UInt8]])
  func bytesThatAreNoStringsAreRefused(bytes: [UInt8]) throws {
    let object = try Object(bytes + [0])
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: bytes.count + 1)
    #expect(throws: ServiceError.self) {
      try regions.tensor(range(0, bytes.count), datatype: .bytes, shape: [1])
    }
  }

  @Test(arguments: [
    (-1, 4), (0, -4), (5, 4), (9, 0), (.max, 4), (4, .max), (.max, .max), (.min, .max),
  ])
  func aRangeOutsideOfItsRegionIsRefused(offset: Int, count: Int) throws {
    let object = try Object([UInt8](repeating: 0, count: 64))
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 8)
    #expect(throws: ServiceError.self) {
      try regions.tensor(range(offset, count), datatype: .int32, shape: [1])
    }
    #expect(throws: ServiceError.self) {
      try regions.targets(of: [RequestedOutput(name: "y", shared: range(offset, count))])
    }
  }

  @Test(arguments: [(-1, 4), (0, 0), (0, -1), (0, 9), (5, 4), (.max, 8), (8, .max)])
  func aRegionOutsideOfItsObjectIsRefused(offset: Int, count: Int) throws {
    let object = try Object([UInt8](repeating: 0, count: 8))
    #expect(throws: ServiceError.self) {
      try regions().register(name: "r", key: object.key, offset: offset, byteCount: count)
    }
  }

  @Test(arguments: [
    "", "/", "..", "/..", "/../etc/passwd", "a/b", "//a", "a\0b", "no-such-object-of-anybody",
  ])
  func aKeyThatNamesNoObjectIsRefused(key: String) throws {
    #expect(throws: ServiceError.self) {
      try regions().register(name: "r", key: key, offset: 0, byteCount: 1)
    }
  }

  @Test func aNameIsTakenUntilItIsGivenBack() throws {
    let object = try Object([1, 2, 3, 4])
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 4)
    #expect(throws: ServiceError.self) {
      try regions.register(name: "r", key: object.key, offset: 0, byteCount: 4)
    }
    regions.unregister(name: "r")
    regions.unregister(name: "r")
    #expect(throws: ServiceError.self) { try regions.status(name: "r") }
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 4)
    regions.unregister(name: nil)
    #expect(try regions.status(name: nil).isEmpty)
  }

  /// register - request is taken - unregister - request writes its output
  @Test func aRequestUsesARegionThatIsUnregisteredMeanwhile() throws {
    let object = try Object([UInt8](repeating: 0, count: 8))
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 8)
    let targets = try regions.targets(of: [RequestedOutput(name: "y", shared: range(4, 4))])
    regions.unregister(name: nil)
    _ = try targets.write(output([5]), to: range(4, 4))
    #expect(object.bytes(8) == [0, 0, 0, 0, 5, 0, 0, 0])
  }

  /// register - client cuts the object short - request reads, another writes
  @Test func anObjectThatWasCutShortFailsTheRequestAlone() throws {
    let object = try Object([UInt8](repeating: 0, count: 8192))
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 8192)
    let targets = try regions.targets(of: [RequestedOutput(name: "y", shared: range(8188, 4))])
    object.truncate(to: 16)
    #expect(throws: ServiceError.self) {
      try regions.tensor(range(4096, 4096), datatype: .uint8, shape: [4096])
    }
    #expect(throws: ServiceError.self) { try targets.write(output([5]), to: range(8188, 4)) }
    #expect(object.bytes(17).isEmpty, "the object was made longer")
  }

  @Test func outputsThatShareBytesAreRefused() throws {
    let object = try Object([UInt8](repeating: 0, count: 16))
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 16)
    func targets(_ first: SharedMemoryRange, _ second: SharedMemoryRange) throws {
      _ = try regions.targets(of: [
        RequestedOutput(name: "y", shared: first), RequestedOutput(name: "z", shared: second),
      ])
    }
    try targets(range(8, 8), range(0, 8))
    #expect(throws: ServiceError.self) { try targets(range(8, 8), range(0, 9)) }
  }

  @Test func anOutputThatDoesNotFitItsRangeIsRefused() throws {
    let object = try Object([UInt8](repeating: 0, count: 16))
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 16)
    let targets = try regions.targets(of: [RequestedOutput(name: "y", shared: range(0, 4))])
    #expect(throws: ServiceError.self) { try targets.write(output([1, 2]), to: range(0, 4)) }
    #expect(object.bytes(16) == [UInt8](repeating: 0, count: 16))
  }

  @Test func aTensorLargerThanARequestMayBeIsRefused() throws {
    let object = try Object([])
    object.truncate(to: 1 << 40)
    let regions = regions()
    try regions.register(name: "r", key: object.key, offset: 0, byteCount: 1 << 40)
    #expect(throws: ServiceError.self) {
      try regions.tensor(range(0, 1 << 40), datatype: .uint8, shape: [1 << 40])
    }
  }
}
