import Device
import Engine
import Foundation
import ModelCompiler
import Testing

@Suite(
  "Weights that two files have, of which one is cut short",
  .enabled(if: ReferenceModel.areThere, ReferenceModel.missing), .timeLimit(.minutes(10)))
struct SharedWeightsDamageTests {
  // one's file   cut
  // one              its loads fail          | fails or answers
  // two              waits for the same loads| served from its own file, answers
  @Test(
    "a member that waits for the broken file's loads is served from its own file",
    arguments: LoadRequest.Way.allCases)
  func cutShort(way: LoadRequest.Way) async throws {
    let folder = TemporaryFolder()
    let names = ["one", "two"]
    let before = try Engine(store: folder.path)
    let source = try ReferenceModel.named("cls").path
    for name in names { _ = try before.models.add(source, name: name, options: CompilationOptions()) }
    try before.models.addReference("cls")
    let inputs = try before.member("cls").inputs
    let alone = try await before.run([try before.member(try before.models.open("two"), inputs: inputs)])[0]
      .get()

    let engine = try Engine(store: folder.path)
    let members = try names.map { try engine.member(try engine.models.open($0), inputs: inputs) }
    let file = folder.path + "/models/one/1/model.fused"
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    // All weights lie beyond that.
    try FileHandle(forWritingTo: URL(fileURLWithPath: file)).truncate(atOffset: 2 << 20)
    let program = try engine.link(members.map(\.plan))
    #expect(!program.loads.isEmpty)
    #expect(program.loads.allSatisfy { $0.source.member == 0 && $0.readers.count == 2 })
    let answers = await engine.run(program, members, way: way)
    #expect(try answers[1].get() == alone)
    // The first is served too, unless its loads have failed before the second was there.
    if case .success(let answer) = answers[0] { #expect(answer == alone) }
    engine.residency.evictIdleExtents()
    let lone = try await engine.run([members[0]], way: way)[0]
    #expect(throws: DeviceError.self) { try lone.get() }
  }
}
