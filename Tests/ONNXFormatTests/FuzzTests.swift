import Foundation
import ONNXFormat
import Testing

/// Reads damaged models for `FUSEDINF_FUZZ_SECONDS` (5 when it is not set): each is read or refused with an
/// ``ONNXError``, within two seconds. A trap would end the whole test run. Seeds are fixed: a failure names its own.
@Test func damagedModelsNeverTrap() throws {
  let seconds = ProcessInfo.processInfo.environment["FUSEDINF_FUZZ_SECONDS"].flatMap(Double.init) ?? 5
  let end = ContinuousClock.now + .seconds(seconds)
  let names =
    try ["network.onnx", "types.onnx", "branches.onnx", "functions.onnx"]
    + fixtureFiles("nodes").map { "nodes/" + $0 }
    + fixtureFiles("opsets").map { "opsets/" + $0 }
  let files = try names.map { try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixtures + "/" + $0))) }
  let models = try files.map { try ONNXModelProto(serializedBytes: $0) }
  let folder = try TemporaryFolder()
  var seed: UInt64 = 0
  var refused = 0
  while ContinuousClock.now < end {
    var random = SplitMix64(state: seed)
    let (index, other) = (random.below(files.count), random.below(files.count))
    let bytes: [UInt8]
    if seed % 2 == 0 {
      bytes = random.damaged(files[index], with: files[other])
    } else {
      bytes = try random.altered(models[index], with: models[other]).serializedBytes()
    }
    let path = try folder.write(bytes, to: "damaged.onnx")
    let start = ContinuousClock.now
    do { _ = try ONNXModel.read(path) } catch let error as ONNXError {
      refused += 1
      #expect("\(error)".utf8.count < 20_000, "seed \(seed), \(names[index])")
    } catch { Issue.record("seed \(seed), \(names[index]): \(error)") }
    #expect(ContinuousClock.now - start < .seconds(2), "seed \(seed), \(names[index])")
    seed += 1
  }
  #expect(refused > 0 && refused < seed)
  print("\(seed) damaged models, \(refused) refused")
}
