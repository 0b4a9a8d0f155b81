import Foundation
import ModelStore
import Tensors
import Testing

/// Every bound of the header: where its parts have to be, and how long they may be.
@Suite struct FileHeaderTests {
  typealias Change = @Sendable (inout HandmadeModel.Header) -> Void
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Why a file with such a header is damaged.
  private func damage(_ change: @escaping Change) throws -> String {
    var model = HandmadeModel()
    model.header = change
    let error = try #require(throws: StoreError.self) { _ = try model.open(in: folder) }
    #expect(error.kind == .damaged)
    return error.description
  }

  @Test func theHandmadeHeaderIsWhole() throws {
    #expect(try HandmadeModel().open(in: folder).metadata == .test())
  }

  static let beyond: [(name: String, change: Change)] = [
    ("the weights are as long as a number can be", { $0.weightsLength = Int.max }),
    ("the weights end a byte behind the file", { $0.weightsLength = $0.fileBytes - $0.weightsStart + 1 }),
    ("the weights start behind the file", { $0.weightsStart = $0.fileBytes + 1 }),
    ("the weights start as far as a number reaches", { $0.weightsStart = Int.max }),
    ("the description is as long as a number can be", { $0.descriptionLength = Int.max }),
    ("the description ends a byte behind the file", { $0.descriptionLength += 1 }),
    ("the description starts as far as a number reaches", { $0.descriptionStart = Int.max }),
  ]

  @Test(arguments: beyond.indices)
  func aPartThatReachesBeyondTheFileIsDamage(index: Int) throws {
    let (name, change) = Self.beyond[index]
    #expect(try damage(change).contains("beyond the file's end"), "\(name)")
  }

  static let misplaced: [(name: String, change: Change)] = [
    (
      "start and length of the weights shifted together",
      { header in
        header.weightsStart += 4096
        header.weightsLength -= 4096
      }
    ),
    (
      "the weights start in the header and end where they should",
      { header in
        header.weightsStart -= 4096
        header.weightsLength += 4096
      }
    ),
    (
      "start and length of the description shifted together",
      { header in
        header.descriptionStart += 1
        header.descriptionLength -= 1
      }
    ),
    ("the weights end before the description starts", { $0.weightsLength -= 4096 }),
    ("the weights reach into the description", { $0.weightsLength += 1 }),
    ("the description ends before the file", { $0.descriptionLength -= 1 }),
    ("the metadata are longer than the description", { $0.metadataLength = $0.descriptionLength + 1 }),
    ("the metadata are as long as a number can be", { $0.metadataLength = Int.max }),
  ]

  @Test(arguments: misplaced.indices)
  func aPartThatIsNotWhereItBelongsIsDamage(index: Int) throws {
    let (name, change) = Self.misplaced[index]
    #expect(try damage(change).contains("not where they belong"), "\(name)")
  }

  @Test func metadataThatReachIntoTheIndexAreDamage() throws {
    #expect(try damage { $0.metadataLength += 1 }.contains("metadata cannot be read"))
    #expect(try damage { $0.metadataLength = $0.descriptionLength }.contains("metadata cannot be read"))
  }

  /// A file of more than a GiB, nearly all of it a hole, whose header says that all of that is the description.
  @Test func aDescriptionOfMoreThanAGiBIsNotReadIntoMemory() throws {
    let error = try #require(throws: StoreError.self) {
      var model = HandmadeModel()
      model.hole = 1 << 30
      _ = try model.open(in: folder)
    }
    #expect(error.description.contains("not where they belong"))
  }

  // MARK: The target

  @Test func theTargetsOfHeaderAndMetadataAreTheSame() throws {
    let error = try #require(throws: StoreError.self) {
      var model = HandmadeModel()
      model.target = "null/none/2"
      _ = try model.open(in: folder)
    }
    #expect(error.kind == .damaged)
    #expect(error.description.contains("different targets"))
  }

  @Test(arguments: [377, Int.max, -1])
  func aTargetThatReachesOutOfTheHeaderIsDamage(length: Int) throws {
    #expect(try damage { $0.targetLength = length }.contains("header cannot be read"))
  }

  @Test func aTargetIsStoredUpToItsLongestAndRefusedBeyond() throws {
    let longest = String(repeating: "t", count: 360)
    try writeModel(folder.path + "/longest", [], metadata: .test(target: longest))
    #expect(try CompiledModel.open(folder.path + "/longest").metadata.target == longest)
    for tooLong in [
      longest + "t", String(repeating: "ü", count: 181), String(repeating: "t", count: 100_000),
    ] {
      let error = try #require(throws: StoreError.self) {
        try writeModel(folder.path + "/\(UUID().uuidString)", [], metadata: .test(target: tooLong))
      }
      #expect(error.kind == .invalidModel)
    }
  }
}
