import InferenceProtocol
import ModelGraph
import Serving
import Tensors
import Testing

/// Inputs that are sequences or optionals, as requests give them.
@Suite struct DeclaredInputTests {
  private func list(
    _ tensor: Tensor, _ contents: SequenceContents?, holding held: HeldBytes? = nil
  ) throws -> Tensor {
    try DeclaredInput.List(contents: contents, mayBeAbsent: false).list(of: tensor, at: "'x'", holding: held)
  }

  private let pairs = SequenceContents(.int32, [.unknown, .known(2)])

  @Test func theFirstAxisIsTheSequence() throws {
    let tensor = try Tensor([1, 2, 3, 4, 5, 6] as [Int32], shape: [3, 1, 2])
    let elements = try list(tensor, pairs).list
    #expect(elements?.map(\.shape) == [[1, 2], [1, 2], [1, 2]])
    #expect(elements?.map(\.integers) == [[1, 2], [3, 4], [5, 6]])
    #expect(try list(Tensor([Int32](), shape: [0, 7, 2]), pairs).list == [])
  }

  @Test func anOptionalIsItsTensor() throws {
    let tensor = try Tensor([1, 2] as [Int32], shape: [1, 2])
    let contents = SequenceContents(.int32, [.unknown, .known(2)], isOptional: true)
    #expect(try list(tensor, contents).list == [tensor])
  }

  @Test(arguments: [[], [2], [1, 1, 3], [1, 1, 1, 2]] as [Shape])
  func elementsHaveTheDeclaredShape(_ shape: Shape) throws {
    let tensor = try Tensor([Int32](repeating: 0, count: shape.elementCount), shape: shape)
    let error = #expect(throws: ServiceError.self) { try list(tensor, pairs) }
    #expect(error?.kind == .invalidRequest)
  }

  @Test func elementsHaveTheDeclaredType() throws {
    let tensor = try Tensor([1, 2] as [Float], shape: [1, 1, 2])
    let error = #expect(throws: ServiceError.self) { try list(tensor, pairs) }
    #expect(error?.description.contains("INT32[-1, 2]") == true)
    #expect(try list(tensor, nil).list?.count == 1)
  }

  /// Elements without bytes take memory too.
  @Test func elementsAreBoundedAndCounted() throws {
    let contents = SequenceContents(.int32, [.known(0)])
    let most = try Tensor([Int32](), shape: [Tensor.mostListed, 0])
    let held = HeldBytes(ByteAccount(limit: 1 << 30))
    #expect(try list(most, contents, holding: held).list?.count == Tensor.mostListed)
    #expect(held.byteCount >= Tensor.mostListed * Tensor.listedOverhead)
    #expect(throws: AccountFull.self) {
      try list(most, contents, holding: HeldBytes(ByteAccount(limit: 1 << 20)))
    }
    let more = try Tensor([Int32](), shape: [Tensor.mostListed + 1, 0])
    #expect(throws: ServiceError.self) { try list(more, contents) }
  }
}
