import Foundation
import ModelStore
import Testing

/// Files that are not what they were, or never were compiled models.
@Suite struct CompiledModelDamageTests {
  let folder: TemporaryFolder
  let original: [UInt8]
  /// The end of the weights of ``original``, and the start of its description.
  let weightsEnd: Int

  init() throws {
    folder = try TemporaryFolder()
    let path = folder.path + "/original"
    try writeModel(
      path, [TestWeight("large", count: 70_000, seed: 1), TestWeight("small", count: 77, seed: 2)],
      graph: [UInt8](repeating: 5, count: 300))
    original = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    weightsEnd = (2 << 20) + (try CompiledModel.open(path).extentBytes)
  }

  private func open(_ bytes: [UInt8]) throws -> CompiledModel {
    try CompiledModel.open(try folder.write("altered", bytes))
  }

  /// Opens the original's weights with another header and description.
  private func open(header: [UInt8], description: [UInt8]) throws -> CompiledModel {
    let path = folder.path + "/described"
    if !FileManager.default.fileExists(atPath: path) { _ = try folder.write("described", original) }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.write(contentsOf: Data(header))
    try file.seek(toOffset: UInt64(weightsEnd))
    try file.write(contentsOf: Data(description))
    try file.truncate(atOffset: UInt64(weightsEnd + description.count))
    try file.close()
    return try CompiledModel.open(path)
  }

  @Test func aFileCutAnywhereIsDamaged() throws {
    for length in [0, 1, 511, 512, 4096, 2 << 20, weightsEnd, weightsEnd + 10, original.count - 1] {
      let error = #expect(throws: StoreError.self) { _ = try open(Array(original[..<length])) }
      #expect(error?.kind == .damaged)
      #expect(error?.description.contains("/altered'") == true)
    }
    let error = #expect(throws: StoreError.self) { _ = try open(original + [0]) }
    #expect(error?.description.contains("\(original.count + 1) bytes instead of \(original.count)") == true)
  }

  @Test func everyAlteredByteOfHeaderAndDescriptionIsNoticed() throws {
    let header = Array(original[..<512])
    let description = Array(original[weightsEnd...])
    for place in 0..<512 + description.count {
      var (header, description) = (header, description)
      if place < 512 { header[place] ^= 1 << UInt8(place % 8) } else { description[place - 512] ^= 1 }
      let error = #expect(throws: StoreError.self) { _ = try open(header: header, description: description) }
      #expect(error?.kind == .damaged || (8..<16).contains(place) && error?.kind == .unsupportedFormat)
    }
  }

  @Test(arguments: [0, 69_999, 70_001, 73_728])
  func alteredWeightsAreNoticedWhenTheyAreVerified(place: Int) throws {
    var bytes = original
    bytes[(2 << 20) + place] ^= 1
    let model = try open(bytes)
    let error = #expect(throws: StoreError.self) { try model.verifyWeights() }
    #expect(error?.kind == .damaged)
    #expect(error?.description.contains(place < 73_728 ? "'large'" : "'small'") == true)
  }

  @Test func ofManyDamagedExtentsTheFirstFourAreNamed() throws {
    let path = folder.path + "/many"
    try writeModel(path, (0..<6).map { TestWeight("w\($0)", count: 70_000, seed: $0) })
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    for (damaged, expected) in [(4, "'w0', 'w1', 'w2', 'w3';"), (6, "'w0', 'w1', 'w2', 'w3' and 2 more")] {
      for extent in 0..<damaged { bytes[(2 << 20) + extent * 73_728] = ~bytes[(2 << 20) + extent * 73_728] }
      let error = #expect(throws: StoreError.self) { try open(bytes).verifyWeights() }
      #expect(error?.description.contains(expected) == true)
      for extent in 0..<damaged { bytes[(2 << 20) + extent * 73_728] = ~bytes[(2 << 20) + extent * 73_728] }
    }
  }

  @Test func anotherFormatSaysBothVersions() throws {
    var bytes = original
    bytes[8] = 77
    let error = #expect(throws: StoreError.self) { _ = try open(bytes) }
    #expect(error?.kind == .unsupportedFormat)
    #expect(error?.description.contains("77") == true)
  }

  @Test func whatIsNoFileIsAnError() throws {
    #expect(throws: StoreError.self) { _ = try CompiledModel.open(folder.path) }
    #expect(throws: StoreError.self) { _ = try CompiledModel.open(folder.path + "/nothing") }
    #expect(throws: StoreError.self) { _ = try CompiledModel.open("/dev/zero") }
    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(throws: StoreError.self) { _ = try CompiledModel.open(pipe) }
  }

  // Checksums guard against accidents only. Here they are made right again after each change, so that every check
  // behind them meets numbers and texts of all kinds. Opening must throw or succeed, and what it gives must be in the file.
  @Test func noChangeOfTheDescriptionTrapsOrEscapesTheFile() throws {
    var random = SeededGenerator(seed: 4)
    var opened = 0
    for _ in 0..<3000 {
      var description = Array(original[weightsEnd...])
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<description.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: description[place] = UInt8.random(in: 0...255, using: &random)
        case 1: description[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: description.removeSubrange(place..<min(place + 8, description.count))
        case 3: description.insert(contentsOf: [UInt8](repeating: 0xFF, count: 8), at: place)
        default:
          for byte in place..<min(place + 8, description.count) {
            description[byte] = byte == place + 7 ? 0x7F : 0xFF
          }
        }
        if description.isEmpty { description = [0] }
      }
      guard let model = try? open(header: signed(description), description: description) else { continue }
      opened += 1
      for extent in model.extents { #expect(extent.offset + extent.byteCount <= weightsEnd) }
      for weight in model.weights {
        #expect(weight.offset + weight.byteCount <= model.extents[weight.extent].byteCount)
      }
      try? model.verifyWeights()
    }
    #expect(opened > 20)
  }

  @Test func twoExtentsOfOneHashAreDamaged() throws {
    var description = Array(original[weightsEnd...])
    let hashes = try CompiledModel.open(folder.path + "/original").extents.map(\.hash.bytes)
    #expect(hashes.count == 2)
    let place = try #require(
      description.indices.first { description[$0...].starts(with: hashes[1]) })
    description.replaceSubrange(place..<place + 32, with: hashes[0])
    let error = #expect(throws: StoreError.self) {
      _ = try open(header: signed(description), description: description)
    }
    #expect(error?.description.contains("twice") == true)
  }

  @Test func noNumberInTheHeaderTraps() throws {
    let description = Array(original[weightsEnd...])
    let numbers: [UInt64] = [
      0, 1, 511, 4096, 1 << 31, 1 << 40, 1 << 62, UInt64(Int.max), 1 << 63, .max - 511, .max,
    ]
    for field in stride(from: 16, to: 64, by: 8) {
      for number in numbers {
        let header = signed(description) { header in
          withUnsafeBytes(of: number.littleEndian) { header.replaceSubrange(field..<field + 8, with: $0) }
        }
        let error = #expect(throws: StoreError.self) {
          _ = try open(header: header, description: description)
        }
        #expect(error?.kind == .damaged, "\(number) at \(field)")
      }
    }
    for length in numbers {
      let header = signed(description) { header in
        withUnsafeBytes(of: length.littleEndian) { header.replaceSubrange(96..<104, with: $0) }
      }
      #expect(throws: StoreError.self) { _ = try open(header: header, description: description) }
    }
    #expect(try open(header: signed(description), description: description).weights.count == 2)
  }

  /// The original's header for another description, sizes and checksums right; then changed, its checksum right again.
  private func signed(_ description: [UInt8], change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
    var header = Array(original[..<480])
    func put(_ value: Int, _ field: Int) {
      withUnsafeBytes(of: UInt64(value).littleEndian) { header.replaceSubrange(field..<field + 8, with: $0) }
    }
    put(weightsEnd + description.count, 16)
    put(description.count, 48)
    header.replaceSubrange(64..<96, with: ContentHash(of: description).bytes)
    change(&header)
    return header + ContentHash(of: header).bytes
  }
}

/// The same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
