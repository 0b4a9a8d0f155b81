import ModelStore
import Tensors
import Testing

/// Every bound of the weight index: what lies within it opens, what lies one beyond it is damaged.
@Suite struct WeightIndexTests {
  typealias Change = @Sendable (inout HandmadeModel) -> Void
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ change: Change) throws -> CompiledModel {
    var model = HandmadeModel()
    change(&model)
    return try model.open(in: folder)
  }

  static let first = HandmadeModel.sectionStart

  static let accepted: [(name: String, change: Change)] = [
    ("as it is", { _ in }),
    (
      "a weight without bytes at the end of the used ones",
      {
        $0.weights[1] = .init(name: "b", extent: 0, offset: 4992, byteCount: 0, dims: [0])
      }
    ),
    (
      "a weight in a layout of the device's own, which may take any number of bytes",
      {
        $0.weights[1].layout = [1]
        $0.weights[1].dims = [5]
      }
    ),
    (
      "extents in another order than in the file",
      { model in
        model.extents.swapAt(0, 1)
        for weight in model.weights.indices {
          model.weights[weight].extent = 1 - model.weights[weight].extent
        }
      }
    ),
    (
      "room between extents and behind the last",
      { model in
        model.sectionBytes = 6 * 4096
        model.extents[1].offset += 4096
      }
    ),
    ("an extent that no weight uses", { $0.weights.removeLast() }),
    ("two weights of the same bytes", { $0.weights[1] = $0.weights[0] }),
    (
      "nothing at all",
      { model in
        model.extents = []
        model.weights = []
        model.sectionBytes = 0
      }
    ),
  ]

  @Test(arguments: accepted.indices)
  func whatLiesWithinTheBoundsOpens(index: Int) throws {
    let (name, change) = Self.accepted[index]
    var model = HandmadeModel()
    change(&model)
    let opened = try model.open(in: folder)
    #expect(opened.extents == model.extents, "\(name)")
    #expect(opened.weights.map(\.name) == model.weights.map(\.name))
    #expect(opened.weights.map(\.byteCount) == model.weights.map(\.byteCount))
    #expect(opened.weights.map(\.shape.dims) == model.weights.map(\.dims))
    #expect(opened.graph == [1, 2, 3])
  }

  static let extents: [(name: String, change: Change)] = [
    ("starts between pages", { $0.extents[0].offset += 64 }),
    ("starts before the weights", { $0.extents[0].offset -= 4096 }),
    (
      "starts where the description does",
      { model in
        model.extents[1].offset = first + model.sectionBytes
        model.weights.removeLast()
      }
    ),
    ("starts at a number that no Int is", { $0.extents[0].offset = -4096 }),
    ("starts far behind the end of the file", { $0.extents[0].offset = Int.max & ~4095 }),
    (
      "ends between pages",
      {
        $0.extents[1].byteCount -= 1; $0.extents[1].usedBytes -= 1
      }
    ),
    ("ends a page behind the weights", { $0.extents[1].byteCount += 4096 }),
    ("is as long as a number can be", { $0.extents[1].byteCount = Int.max & ~4095 }),
    (
      "is empty",
      { model in
        model.extents[0].byteCount = 0
        model.extents[0].usedBytes = 0
        model.weights.removeFirst(2)
      }
    ),
    ("uses more bytes than it has", { $0.extents[1].usedBytes += 1 }),
  ]

  @Test(arguments: extents.indices)
  func anExtentThatIsNotWhereWeightsAreIsDamaged(index: Int) throws {
    let (name, change) = Self.extents[index]
    let error = #expect(throws: StoreError.self, "\(name)") { _ = try open(change) }
    #expect(error?.kind == .damaged, "\(name)")
  }

  /// In a part of the file that is larger than all extents together, so that it is not their sum which is too large.
  @Test(arguments: [(0, 8192), (4096, 8192), (4096, 4096), (0, 4096), (8192, 4096)])
  func extentsThatOverlapAreDamaged(offset: Int, byteCount: Int) throws {
    let change: Change = { model in
      model.sectionBytes = 16 * 4096
      model.extents[0].byteCount = 12288
      model.extents[1].offset = Self.first + offset
      model.extents[1].byteCount = byteCount
      model.extents[1].usedBytes = 0
      model.weights.removeLast()
    }
    let error = #expect(throws: StoreError.self) { _ = try open(change) }
    #expect(error?.kind == .damaged)
    #expect(error?.description.contains("overlap") == true)
    // In the other order, too.
    let swapped = #expect(throws: StoreError.self) {
      _ = try open {
        change(&$0)
        $0.extents.swapAt(0, 1)
        $0.weights = []
      }
    }
    #expect(swapped?.description.contains("overlap") == true)
  }

  static let weights: [(name: String, change: Change)] = [
    ("lies in an extent that is not there", { $0.weights[2].extent = 2 }),
    ("lies in an extent of a number that no Int is", { $0.weights[2].extent = -1 }),
    (
      "starts between places that weights start at",
      { model in
        model.weights[2].offset = 32
        model.weights[2].byteCount = 4096
        model.weights[2].dims = [1024]
      }
    ),
    (
      "ends behind the used bytes, though inside of the extent",
      { model in
        model.weights[2] = .init(name: "c", extent: 0, offset: 4096, byteCount: 905, dims: [905])
      }
    ),
    (
      "starts behind the used bytes",
      {
        $0.weights[2] = .init(name: "c", extent: 0, offset: 5056, byteCount: 0, dims: [0])
      }
    ),
    (
      "is as long as a number can be",
      {
        $0.weights[2].byteCount = Int.max
        $0.weights[2].layout = [1]
      }
    ),
    ("has a shape of one element more than bytes", { $0.weights[2].dims = [2049] }),
    ("has a shape of one element less than bytes", { $0.weights[2].dims = [2047] }),
    ("has a shape of more elements than a number can count", { $0.weights[2].dims = [1 << 40, 1 << 40] }),
    ("has an axis below zero", { $0.weights[2].dims = [-2, -1024] }),
    ("is of a type that there is not", { $0.weights[2].elementType = "float33" }),
  ]

  @Test(arguments: weights.indices)
  func aWeightThatDoesNotLieInItsExtentIsDamagedAndNamed(index: Int) throws {
    let (name, change) = Self.weights[index]
    let error = #expect(throws: StoreError.self, "\(name)") { _ = try open(change) }
    #expect(error?.kind == .damaged, "\(name)")
    // A number that no Int is ends the reading before it is known whose it is.
    #expect(
      error?.description.contains("'c'") == true || error?.description.contains("out of bounds") == true)
  }

  /// The index of the handmade model starts with the number of extents; after two extents of 56 bytes comes that of weights.
  @Test(arguments: [0, 8 + 2 * 56], [4, 1 << 32, Int.max, -1])
  func aListThatIsLongerThanTheFileIsDamaged(place: Int, count: Int) throws {
    let error = #expect(throws: StoreError.self) {
      _ = try open { model in model.index = { $0.replaceSubrange(place..<place + 8, with: number(count)) } }
    }
    #expect(error?.kind == .damaged)
  }

  @Test func bytesBehindTheGraphAreDamage() throws {
    let error = #expect(throws: StoreError.self) { _ = try open { $0.tail = [0] } }
    #expect(error?.description.contains("bytes follow") == true)
  }
}
