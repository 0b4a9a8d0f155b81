import ModelGraph
import Tensors
import Testing

/// Graphs as bytes and back, and bytes that are no graph.
struct CodecTests {
  /// Every op of the fixtures, and the parameters that they leave out.
  private static func graphs() throws -> [Graph] {
    try ShapeFixture.all.map { try $0.graph() } + [everything()]
  }

  private static func everything() throws -> Graph {
    var graph = Graph(name: "all")
    let x = graph.input("x", .float32, [.symbol("batch"), .unknown, .known(4)])
    let functions: [UnaryFunction] = [
      .absolute, .negate, .exponential, .logarithm, .squareRoot, .reciprocal, .floor, .ceiling, .round, .sign,
      .errorFunction, .sine, .cosine, .tangent, .arcSine, .arcCosine, .arcTangent, .hyperbolicSine,
      .hyperbolicCosine, .tanh, .sigmoid, .relu, .softplus, .softsign, .mish, .leakyRelu(slope: 0.1),
      .elu(alpha: 2), .celu(alpha: 3), .selu(alpha: 1.67, gamma: 1.05), .thresholdedRelu(alpha: 0.5),
      .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu, .gelu(approximate: true),
      .gelu(approximate: false), .clip(minimum: -.infinity, maximum: 6), .logicalNot, .bitwiseNot, .isNaN,
      .isInfinite, .inverseHyperbolicSine, .inverseHyperbolicCosine, .inverseHyperbolicTangent,
      .shrink(threshold: 0.5, bias: 1),
    ]
    for (index, function) in functions.enumerated() { graph.node("u\(index)", .unary(function), x) }
    let c = graph.addConstant("c", try Tensor([Float(1), -2], shape: [2]))
    let w = graph.addValue("w", type: ValueType(.float16, [3, 4] as Shape))
    graph.constants[w] = .weight(index: 7, elementType: .float16, shape: [3, 4])
    var branch = Graph(name: "branch")
    branch.inputs = [branch.addValue("captured")]
    branch.outputs = [branch.node("r", .unary(.relu), branch.inputs[0])]
    graph.node("if", .conditional(then: branch, otherwise: branch), x, c)
    graph.node(
      "last", .identity, x, nil, c, w, postOps: [.unary(.silu), .binary(.parametricRelu, c)])
    graph.nodes.append(
      Node(name: "none", op: .topK(axis: Int.min, largest: false, sorted: true), inputs: [], outputs: [nil]))
    graph.node(
      "lstm",
      .lstm(
        Recurrent(
          hiddenSize: 3, direction: .reverse, batchFirst: true, linearBeforeReset: true, clip: 0.5,
          activations: [.init(.hardSigmoid, alpha: 0.2, beta: 0.5), .init(.tanh), .init(.elu, alpha: 1)],
          couplesForgetGate: true)),
      x)
    graph.outputs = [x]
    return graph
  }

  @Test func everyGraphComesBack() throws {
    for graph in try Self.graphs() { #expect(try Graph.decoded(from: graph.encoded()) == graph) }
  }

  @Test func operandsOfPostOpsComeBack() throws {
    var graph = Graph(name: "tails")
    let ids = (0..<300).map { graph.input("x\($0)", .float32, [.known(2)]) }
    graph.outputs = [
      graph.node(
        "y", .binary(.add), ids[0], ids[1], postOps: [.binary(.multiply, ids[299]), .binary(.divide, ids[2])])
    ]
    let decoded = try Graph.decoded(from: graph.encoded())
    #expect(decoded.nodes[0].inputs == [ids[0], ids[1]])
    #expect(decoded.nodes[0].postOps == [.binary(.multiply, ids[299]), .binary(.divide, ids[2])])
    try decoded.verify()
  }

  @Test func anotherVersionIsRefused() throws {
    var bytes = try Self.everything().encoded()
    #expect(bytes.starts(with: Array("FUSEDIR".utf8) + [4]))
    bytes[7] = 3
    let older = bytes
    #expect { try Graph.decoded(from: older) } throws: { "\($0)".contains("another version") }
  }

  @Test func equalGraphsGiveEqualBytes() throws {
    var graph = Graph(name: "constants")
    for index in 0..<50 { _ = try graph.scalar("c\(index)", Int64(index)) }
    var other = Graph(name: "constants")
    other.values = graph.values
    for (id, constant) in graph.constants.sorted(by: { $0.key > $1.key }) { other.constants[id] = constant }
    #expect(try graph.encoded() == other.encoded())
  }

  @Test func bytesThatAreCutShortAreRefused() throws {
    let bytes = try Self.everything().encoded()
    for length in 0..<bytes.count {
      #expect(throws: GraphError.self) { try Graph.decoded(from: Array(bytes.prefix(length))) }
    }
    #expect(throws: GraphError.self) { try Graph.decoded(from: bytes + [0]) }
  }

  /// A list that claims more elements than there are bytes is refused before anything is allocated for it.
  @Test func claimsAreCheckedAgainstWhatIsThere() throws {
    let empty = try Graph(name: "").encoded()
    // Signature, name of no bytes, then the number of values.
    var bytes = Array(empty.prefix(9))
    bytes += [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    let hostile = bytes
    #expect { try Graph.decoded(from: hostile) } throws: { "\($0)".contains("longer than what is left") }
  }

  /// Altered bytes give an error or a graph, and neither decoding, nor verifying, nor printing that graph traps.
  @Test func alteredBytesNeverTrap() throws {
    var random = SplitMix(state: 42)
    let originals = try Self.graphs().map { try $0.encoded() }
    var refused = 0
    for round in 0..<6_000 {
      var bytes = originals[round % originals.count]
      for _ in 0...random.next() % 4 {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[place] ^= 1 << UInt8(random.next() % 8)
        default: bytes.remove(at: place)
        }
      }
      do {
        let graph = try Graph.decoded(from: bytes)
        try graph.verify()
        _ = graph.textDescription
        _ = graph.dot()
      } catch { refused += 1 }
    }
    #expect(refused > 3_000)
  }

  @Test func randomBytesAreRefused() throws {
    var random = SplitMix(state: 7)
    let signature = try Graph(name: "").encoded().prefix(8)
    for length in 0..<2_000 {
      let noise = (0..<length % 200).map { _ in UInt8(truncatingIfNeeded: random.next() >> 56) }
      #expect(throws: GraphError.self) { try Graph.decoded(from: noise) }
      // Behind the right signature too; a graph of nothing is the only one that short noise could be.
      _ = try? Graph.decoded(from: signature + noise)
    }
  }

  @Test func nestingIsBoundedBothWays() throws {
    var inner = Graph(name: "g")
    for _ in 0..<40 {
      var outer = Graph(name: "g")
      outer.nodes = [
        Node(name: "", op: .conditional(then: inner, otherwise: Graph(name: "")), inputs: [], outputs: [])
      ]
      inner = outer
    }
    let deep = inner
    #expect { try deep.encoded() } throws: { "\($0)".contains("nested") }
  }
}

/// Steele, Lea and Flood's generator: small, and the same numbers everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
