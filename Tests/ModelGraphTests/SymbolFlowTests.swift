import ModelGraph
import Tensors
import Testing

/// Sizes that are not known flow through the arithmetic that exporters write around reshapes.
struct SymbolFlowTests {
  @Test func aBatchSurvivesShapeGatherConcatReshape() throws {
    var graph = Graph(name: "view")
    let x = graph.input("x", .float32, [.symbol("batch"), .known(64), .known(7), .known(7)])
    let shape = graph.node("shape", .shape(start: 0, end: nil), x)
    let batch = graph.node("batch", .gather(axis: 0), shape, try graph.scalar("zero", 0))
    let row = graph.node("row", .unsqueeze, batch, try graph.list("axes", [0]))
    let target = graph.node("target", .concat(axis: 0), row, try graph.list("rest", [-1]))
    let flat = graph.node("flat", .reshape(allowZero: false), x, target)
    let inference = try graph.inferTypes()
    #expect(inference[flat] == ValueType(.float32, [.symbol("batch"), .known(3136)]))
    #expect(inference.contents[target] == [.symbol("batch"), .known(-1)])
    let concrete = try graph.inferTypes(inputs: [ValueType(.float32, [5, 64, 7, 7] as Shape)])
    #expect(concrete[flat] == ValueType(.float32, [5, 3136] as Shape))
    #expect(concrete.integers(target) == [5, -1])
  }

  /// Shape → Cast to float → Mul → Floor → Cast back → Resize's sizes, as older exporters of PyTorch write it.
  @Test func sizesThatPassThroughFloatsComeBack() throws {
    var graph = Graph(name: "upsample")
    let x = graph.input("x", .float32, [.known(1), .known(3), .known(17), .known(31)])
    let shape = graph.node("shape", .shape(start: 2, end: nil), x)
    let real = graph.node("real", .cast(.float32), shape)
    let factor = graph.addConstant("factor", try Tensor([Float(2.6)], shape: [1]))
    let scaled = graph.node("scaled", .binary(.multiply), real, factor)
    let whole = graph.node("whole", .unary(.floor), scaled)
    let back = graph.node("back", .cast(.int64), whole)
    let sizes = graph.node("sizes", .concat(axis: 0), try graph.list("head", [1, 3]), back)
    let y = graph.node("y", .resize(Resize(mode: .nearest)), x, nil, nil, sizes)
    let inference = try graph.inferTypes()
    // numpy: floor(float32(17) · float32(2.6)) = 44, floor(float32(31) · float32(2.6)) = 80.
    #expect(inference[y] == ValueType(.float32, [1, 3, 44, 80] as Shape))
    #expect(inference.floats(whole) == [44, 80])
  }

  /// The nodes Where(Equal(target, −1), ones, target) → Expand, as PyTorch writes `expand`.
  @Test func expandTargetsWithMinusOneAreResolved() throws {
    var graph = Graph(name: "expand")
    let x = graph.input("x", .float32, [.symbol("batch"), .known(1)])
    let batch = graph.node("batch", .shape(start: 0, end: 1), x)
    let target = graph.node("target", .concat(axis: 0), batch, try graph.list("tail", [-1, 5]))
    let isOpen = graph.node("isOpen", .binary(.equal), target, try graph.list("minusOne", [-1]))
    let ones = graph.node(
      "ones", .constantOfShape(value: try Tensor([Int64(1)], shape: [1])), try graph.list("three", [3]))
    let sizes = graph.node("sizes", .select, isOpen, ones, target)
    let y = graph.node("y", .expand, try graph.floats("c", [1, 1, 1]), sizes)
    let inference = try graph.inferTypes()
    #expect(inference[y] == ValueType(.float32, [.symbol("batch"), .known(1), .known(5)]))
  }

  @Test func symbolsPassOpsThatKeepASize() throws {
    var graph = Graph(name: "keeps")
    let x = graph.input("x", .float32, [.symbol("n"), .known(3), .symbol("h"), .symbol("w")])
    let w = try graph.floats("w", [8, 3, 3, 3])
    let same = graph.node("same", .convolution(.square(padding: 1)), x, w)
    let valid = graph.node("valid", .convolution(.square()), x, w)
    let slice = graph.node(
      "slice", .slice, x, try graph.list("starts", [0]), try graph.list("ends", [Int64.max]),
      try graph.list("axes", [3]))
    let inference = try graph.inferTypes()
    #expect(inference[same] == ValueType(.float32, [.symbol("n"), .known(8), .symbol("h"), .symbol("w")]))
    #expect(inference[valid] == ValueType(.float32, [.symbol("n"), .known(8), .unknown, .unknown]))
    #expect(inference[slice] == inference[x])
  }

  @Test func aReshapeKeepsTheOneSizeThatIsLeft() throws {
    var graph = Graph(name: "heads")
    let x = graph.input("x", .float32, [.symbol("n"), .symbol("t"), .known(64)])
    let split = graph.node(
      "split", .reshape(allowZero: false), x, try graph.list("target", [0, -1, 4, 16]))
    let merged = graph.node("merged", .flatten(axis: 2), x)
    let inference = try graph.inferTypes()
    #expect(inference[split] == ValueType(.float32, [.symbol("n"), .symbol("t"), .known(4), .known(16)]))
    #expect(inference[merged] == ValueType(.float32, [.unknown, .known(64)]))
  }

  @Test func largeTensorsAreNotFollowed() throws {
    var graph = Graph(name: "large")
    let count = graph.node(
      "count", .range, try graph.scalar("0", 0), try graph.scalar("n", 1_000_000), try graph.scalar("1", 1))
    let inference = try graph.inferTypes()
    #expect(inference[count] == ValueType(.int64, [1_000_000] as Shape))
    #expect(inference.contents[count] == nil)
  }

  @Test func aResultThatNobodyCouldAddressIsAnError() throws {
    var graph = Graph(name: "hostile")
    let x = graph.input("x", .float32, [.known(1 << 40), .known(1)])
    graph.node("y", .expand, x, try graph.list("sizes", [1, 1 << 40]))
    #expect { try graph.inferTypes() } throws: { "\($0)".contains("larger than this machine can address") }
    var tiles = Graph(name: "tiles")
    let t = tiles.input("t", .float32, [.known(3)])
    tiles.node("y", .tile, t, try tiles.list("repeats", [Int64.max]))
    #expect { try tiles.inferTypes() } throws: { "\($0)".contains("larger than this machine can address") }
  }

  @Test func anErrorNamesGraphNodeOpAndShapes() throws {
    var graph = Graph(name: "net")
    let a = graph.input("a", .float32, [.known(2), .known(3)])
    let b = graph.input("b", .float32, [.symbol("k"), .known(4), .known(5)])
    graph.node("product", .matrixMultiply(MatrixMultiply()), a, b)
    #expect { try graph.inferTypes() } throws: { error in
      ["'net'", "'product'", "matmul", "[2, 3]", "[k, 4, 5]"].allSatisfy("\(error)".contains)
    }
  }
}
