import Testing

import Tensors

/// Sequences and optionals as tensors, and back.
@Suite struct ListTensorTests {
  private let rows = [[1, 2], [3, 4], [5, 6]] as [[Int32]]

  private func sequence(_ elements: [[Int32]]) throws -> Tensor {
    try Tensor(list: try elements.map { try Tensor($0, shape: [$0.count]) })
  }

  @Test func elementsOfOneShapeAreStacked() throws {
    let served = try sequence(rows).served(as: "y")
    #expect(served.map(\.name) == ["y"])
    #expect(served[0].tensor == (try Tensor(rows.flatMap { $0 }, shape: [3, 2])))
    #expect(try served[0].tensor.listed(isOptional: false) == (try sequence(rows)))
  }

  @Test func elementsOfSeveralShapesAreNumbered() throws {
    let served = try sequence([[1], [], [2, 3]]).served(as: "y")
    #expect(served.map(\.name) == ["y.0", "y.1", "y.2"])
    #expect(served.map(\.tensor.shape) == [[1], [0], [2]])
  }

  /// Texts of several runs have several tables.
  @Test func textsAreStacked() throws {
    let list = try [["a", ""], ["é", "b"]].map { try Tensor(strings: $0, shape: [2]) }
    let served = try Tensor(list: list).served(as: "y")
    #expect(served.map(\.tensor.strings) == [["a", "", "é", "b"]])
    #expect(try served[0].tensor.listed(isOptional: false).list?.map(\.strings) == [["a", ""], ["é", "b"]])
  }

  @Test func nothingIsServedOfNothing() throws {
    let empty = try Tensor([Int32](), shape: [0, 2])
    #expect(try Tensor(list: nil).served(as: "y", isOptional: true, empty: empty).isEmpty)
    #expect(try Tensor(list: []).served(as: "y").isEmpty)
    #expect(try Tensor(list: []).served(as: "y", empty: empty).map(\.tensor) == [empty])
    #expect(try empty.listed(isOptional: false).list == [])
  }

  @Test func optionalsAreTheirValues() throws {
    let value = try Tensor([1, 2] as [Int32], shape: [2])
    let optional = try value.listed(isOptional: true)
    #expect(optional.list == [value])
    #expect(try optional.served(as: "y", isOptional: true).map(\.tensor) == [value])
  }

  @Test func sequencesAreBounded() throws {
    #expect(throws: TensorError.self) { try Tensor([1] as [Int32], shape: .scalar).listed(isOptional: false) }
    let many = try Tensor([Int32](), shape: [Tensor.mostListed + 1, 0])
    #expect(throws: TensorError.self) { try many.listed(isOptional: false) }
  }

  @Test func memoryOfSequencesIsThatOfTheirElements() throws {
    let text = try Tensor(strings: [String(repeating: "x", count: 1000)], shape: [1])
    #expect(try Tensor(list: [text, text]).memoryBytes > 2000 + 2 * Tensor.listedOverhead)
    #expect(try Tensor(list: nil).memoryBytes == 8)
  }
}
