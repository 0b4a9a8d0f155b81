import Foundation
import ModelStore
import Tensors
import Testing

/// Declarations of inputs and outputs that are sequences or optionals.
@Suite struct TensorDeclarationTests {
  private func declaration(
    _ dimensions: [DeclaredSize]?, isOptional: Bool = false
  ) -> ModelMetadata.TensorDeclaration {
    ModelMetadata.TensorDeclaration(
      name: "y", elementType: .sequence, dimensions: [],
      contents: ModelMetadata.Contents(
        elementType: .float32, dimensions: dimensions, isOptional: isOptional, mayBeAbsent: isOptional))
  }

  @Test func emptySequencesAreTensorsWithoutRowsWhereSizesAreKnown() throws {
    let empty = try Tensor(list: [])
    let served = try declaration([.number(2), .number(3)]).served(empty)
    #expect(served.map(\.name) == ["y"])
    #expect(served.first?.tensor.shape == [0, 2, 3])
    #expect(served.first?.tensor.elementType == .float32)
    #expect(try declaration([]).served(empty).first?.tensor.shape == [0])
    #expect(try declaration([.name("?"), .number(3)]).served(empty).isEmpty)
    #expect(try declaration(nil).served(empty).isEmpty)
  }

  @Test func optionalsAreTheirValuesOrNothing() throws {
    let value = try Tensor([1, 2] as [Float], shape: [2])
    let optional = declaration([.number(2)], isOptional: true)
    #expect(try optional.served(Tensor(list: [value])).map(\.tensor) == [value])
    #expect(try optional.served(Tensor(list: nil)).isEmpty)
    #expect(try declaration([.number(2)]).served(Tensor(list: [value])).map(\.tensor.shape) == [[1, 2]])
  }

  /// Keys are a tensor beside the scores, and a list in JSON.
  @Test(arguments: [.integers([3, -1]), .strings(["a", "é"])] as [ModelMetadata.MapKeys])
  func mapsAreScoresAndKeys(_ keys: ModelMetadata.MapKeys) throws {
    let scores = try Tensor([1, 2] as [Float], shape: [1, 2])
    let map = ModelMetadata.TensorDeclaration(
      name: "y", elementType: .float32, dimensions: [.name("n"), .number(2)], mapKeys: keys)
    let served = try map.served(scores)
    #expect(served.map(\.name) == ["y", "y.keys"])
    #expect(served[0].tensor == scores)
    #expect(served[1].tensor.elementType == keys.elementType)
    #expect(served[1].tensor.shape == [2])
    #expect(try map.served(scores, withKeys: false).map(\.name) == ["y"])
    let coded = try JSONEncoder().encode(map)
    #expect(try JSONDecoder().decode(ModelMetadata.TensorDeclaration.self, from: coded) == map)
  }

  @Test func descriptionsNameTheContents() {
    #expect(declaration([.name("?"), .number(3)]).description == "y: sequence(float32[?, 3])")
    #expect(declaration(nil, isOptional: true).description == "y: optional(float32[*])")
    let unknown = ModelMetadata.TensorDeclaration(name: "y", elementType: .sequence, dimensions: [])
    #expect(unknown.description == "y: sequence")
  }
}
