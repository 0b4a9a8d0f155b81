import ModelGraph
import Tensors
import Testing

/// Inference against what onnxruntime made of the same operators.
struct InferenceFixtureTests {
  @Test func theFixtureIsThere() { #expect(ShapeFixture.all.count > 600) }

  @Test(arguments: ShapeFixture.all.filter { $0.outputs != nil })
  func findsTheTypesThatWereMade(_ fixture: ShapeFixture) throws {
    let graph = try fixture.graph()
    let inference = try graph.inferTypes(known: fixture.known())
    for (id, made) in zip(graph.outputs, try #require(fixture.outputs)) {
      let type = try #require(inference[id])
      if fixture.op == .nonZero, made.integers == nil {
        // The number of columns is only known by running it.
        #expect(type == ValueType(.int64, [.known(made.dims[0]), .unknown]))
      } else {
        #expect(type == (try made.valueType()))
      }
      if let integers = made.integers { #expect(inference.integers(id) == integers) }
      if let reals = made.reals { #expect(inference.floats(id) == reals) }
    }
  }

  @Test(arguments: ShapeFixture.all.filter { $0.outputs == nil })
  func refusesWhatWasRefused(_ fixture: ShapeFixture) throws {
    let graph = try fixture.graph()
    #expect(throws: GraphError.self) { try graph.inferTypes(known: fixture.known()) }
  }

  /// With less known of the inputs, what is found may be less, but never something else.
  @Test(arguments: ShapeFixture.all.filter { $0.outputs != nil }, Erasure.allCases)
  func neverContradictsWithLessKnown(_ fixture: ShapeFixture, _ erasure: Erasure) throws {
    let graph = try fixture.graph(erasure.apply)
    let known = erasure.keepsElements ? try fixture.known() : [:]
    let inference = try graph.inferTypes(known: known)
    for (id, made) in zip(graph.outputs, try #require(fixture.outputs)) {
      guard let type = inference[id] else { continue }
      #expect(type.agrees(with: try made.valueType()))
      if let integers = made.integers, let found = inference.contents[id] {
        #expect(found.count == integers.count)
        for (element, integer) in zip(found, integers) {
          if let size = element.size { #expect(size == integer) }
        }
      }
    }
  }

  /// Ways to know less of an input.
  enum Erasure: CaseIterable {
    case elements, dimensions, firstDimension, ranks, symbols

    var keepsElements: Bool { self == .dimensions || self == .firstDimension || self == .symbols }

    func apply(_ type: ValueType) -> ValueType {
      guard let dimensions = type.dimensions else { return type }
      switch self {
      case .elements: return type
      case .dimensions: return ValueType(type.elementType, dimensions.map { _ in .unknown })
      case .firstDimension:
        return ValueType(
          type.elementType, dimensions.prefix(1).map { _ in .unknown } + dimensions.dropFirst())
      case .ranks: return ValueType(type.elementType, nil)
      case .symbols:
        // Equal sizes get equal names, as a symbol asks.
        return ValueType(type.elementType, dimensions.map { .symbol("size\($0.size ?? 0)") })
      }
    }
  }
}
