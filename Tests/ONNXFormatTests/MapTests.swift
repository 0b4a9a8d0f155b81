import Foundation
import ONNXFormat
import Testing

/// A map is its scores in the graph; its keys are told beside it.
@Test func keysOfMapsAreTold() throws {
  func keys(_ attribute: ONNXAttributeProto) throws -> [String: ClassLabels] {
    var model = ONNXModelProto.of([.of("ZipMap", ["x"], ["y"], domain: "ai.onnx.ml", [attribute])])
    model.opsetImport.append(
      .with {
        $0.domain = "ai.onnx.ml"
        $0.version = 3
      })
    let imported = try read(model)
    #expect(imported.graph.outputs.map { imported.graph[$0].name } == ["y"])
    return imported.mapKeys
  }
  let integers = try keys(.of("classlabels_int64s", .ints) { $0.ints = [3, -1, 2] })
  guard case .integers([3, -1, 2])? = integers["y"] else {
    Issue.record("\(integers)")
    return
  }
  let texts = try keys(
    .of("classlabels_strings", .strings) { $0.strings = ["a", "é"].map { Data($0.utf8) } })
  guard case .texts(let words)? = texts["y"] else {
    Issue.record("\(texts)")
    return
  }
  #expect(words == ["a", "é"].map { Array($0.utf8) })
}
