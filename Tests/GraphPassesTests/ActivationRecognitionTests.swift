import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Activations that a model spells out are found in every usual spelling, and in no other.
struct ActivationRecognitionTests {
  let x = ValueID(0)

  /// A graph of one input `x` (the value of id 0), whose output is what `build` makes of it.
  func graph(_ build: (inout GraphBuilder, ValueID) throws -> ValueID) throws -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3])
    builder.output(try build(&builder, x))
    return builder
  }

  /// The unary function that the pass makes of all of the graph, when it does.
  func recognised(_ build: (inout GraphBuilder, ValueID) throws -> ValueID) throws -> UnaryFunction? {
    let graph = try graph(build).after(.activationRecognition).graph
    guard graph.nodes.count == 1, let function = graph.nodes[0].op.as(Unary.self)?.function,
      graph.nodes[0].inputs == [x], graph.nodes[0].outputs.first == graph.outputs.first
    else { return nil }
    return function
  }

  @Test func siluInBothOrders() throws {
    for swapped in [false, true] {
      let found = try recognised { builder, x in
        let gate = builder.node("gate", .unary(.sigmoid), x)
        return builder.node("y", .binary(.multiply), swapped ? gate : x, swapped ? x : gate)
      }
      #expect(found == .silu)
    }
  }

  @Test func siluWithAFactorOfOne() throws {
    let found = try recognised { builder, x in
      let one = try builder.constant("one", [1], [1])
      let same = builder.node("same", .binary(.multiply), x, one)
      return builder.node("y", .binary(.multiply), x, builder.node("gate", .unary(.sigmoid), same))
    }
    // The product with 1 is removed by another pass; here the sigmoid is of another value than the factor.
    #expect(found == nil)
  }

  @Test func swishWithAnotherSlopeIsNotSilu() throws {
    let found = try recognised { builder, x in
      let slope = try builder.constant("slope", [1.702])
      let scaled = builder.node("scaled", .binary(.multiply), x, slope)
      return builder.node("y", .binary(.multiply), x, builder.node("gate", .unary(.sigmoid), scaled))
    }
    #expect(found == nil)
  }

  @Test func sigmoidOfAnotherValueIsNotSilu() throws {
    var builder = GraphBuilder()
    let (x, z) = (builder.input("x", [2, 3]), builder.input("z", [2, 3]))
    builder.output(builder.node("y", .binary(.multiply), x, builder.node("gate", .unary(.sigmoid), z)))
    #expect(try builder.after(.activationRecognition).changes == 0)
  }

  @Test func aSigmoidThatOthersReadStays() throws {
    let (graph, changes) = try graph { builder, x in
      let gate = builder.node("gate", .unary(.sigmoid), x)
      builder.output(gate)
      return builder.node("y", .binary(.multiply), x, gate)
    }.after(.activationRecognition)
    #expect(changes == 1)
    #expect(graph.ops == ["unary.sigmoid", "unary.silu"])
  }

  @Test func siluOfAProduct() throws {
    // x itself is a product: it must not be taken apart.
    var builder = GraphBuilder()
    let (a, b) = (builder.input("a", [2, 3]), builder.input("b", [2, 3]))
    let x = builder.node("x", .binary(.multiply), a, b)
    builder.output(builder.node("y", .binary(.multiply), x, builder.node("gate", .unary(.sigmoid), x)))
    let graph = try builder.after(.activationRecognition).graph
    #expect(graph.ops == ["binary.multiply", "unary.silu"])
    #expect(graph.operandNames(of: "y") == ["x"])
  }

  @Test func mish() throws {
    let found = try recognised { builder, x in
      let soft = builder.node("soft", .unary(.softplus), x)
      return builder.node("y", .binary(.multiply), x, builder.node("tanh", .unary(.tanh), soft))
    }
    #expect(found == .mish)
  }

  // MARK: HardSwish

  /// Relu6(x + 3), the constants as one gives them.
  func relu6(
    _ builder: inout GraphBuilder, _ x: ValueID, three: Float = 3, dims: [Int] = [1], maximum: Double = 6
  ) throws -> ValueID {
    let sum = builder.node("sum", .binary(.add), x, try builder.constant("three", [three], dims))
    return builder.node("clip", .unary(.clip(minimum: 0, maximum: maximum)), sum)
  }

  @Test func hardSwishInItsOrders() throws {
    let spellings: [(inout GraphBuilder, ValueID) throws -> ValueID] = [
      { builder, x in  // (x · clip) / 6
        let product = builder.node("p", .binary(.multiply), x, try self.relu6(&builder, x))
        return builder.node("y", .binary(.divide), product, try builder.constant("six", [6], [1]))
      },
      { builder, x in  // (clip · x) · 1/6
        let product = builder.node("p", .binary(.multiply), try self.relu6(&builder, x, dims: []), x)
        return builder.node("y", .binary(.multiply), product, try builder.constant("sixth", [1 / 6]))
      },
      { builder, x in  // x · (clip / 6)
        let gate = builder.node(
          "gate", .binary(.divide), try self.relu6(&builder, x), try builder.constant("six", [6]))
        return builder.node("y", .binary(.multiply), x, gate)
      },
      { builder, x in  // (1/6 · clip) · x
        let gate = builder.node(
          "gate", .binary(.multiply), try builder.constant("sixth", [1 / 6]), try self.relu6(&builder, x))
        return builder.node("y", .binary(.multiply), gate, x)
      },
      { builder, x in  // (x / 6) · clip
        let part = builder.node("part", .binary(.divide), x, try builder.constant("six", [6]))
        return builder.node("y", .binary(.multiply), part, try self.relu6(&builder, x))
      },
      { builder, x in  // x · HardSigmoid(x), α as Paddle rounds it
        let gate = builder.node("gate", .unary(.hardSigmoid(alpha: 0.16666670143604279, beta: 0.5)), x)
        return builder.node("y", .binary(.multiply), x, gate)
      },
    ]
    for (index, spelling) in spellings.enumerated() {
      #expect(try recognised(spelling) == .hardSwish, "spelling \(index)")
    }
  }

  @Test func hardSwishNearMisses() throws {
    let spellings: [(inout GraphBuilder, ValueID) throws -> ValueID] = [
      { builder, x in  // another divisor
        let product = builder.node("p", .binary(.multiply), x, try self.relu6(&builder, x))
        return builder.node("y", .binary(.divide), product, try builder.constant("five", [5]))
      },
      { builder, x in  // another addend
        let product = builder.node("p", .binary(.multiply), x, try self.relu6(&builder, x, three: 2.5))
        return builder.node("y", .binary(.divide), product, try builder.constant("six", [6]))
      },
      { builder, x in  // another bound
        let product = builder.node("p", .binary(.multiply), x, try self.relu6(&builder, x, maximum: 5))
        return builder.node("y", .binary(.divide), product, try builder.constant("six", [6]))
      },
      { builder, x in  // one constant for each column
        let product = builder.node("p", .binary(.multiply), x, try self.relu6(&builder, x))
        return builder.node("y", .binary(.divide), product, try builder.constant("sixes", [6, 6, 6], [3]))
      },
      { builder, x in  // a constant that makes the result larger
        let product = builder.node("p", .binary(.multiply), x, try self.relu6(&builder, x))
        return builder.node("y", .binary(.divide), product, try builder.constant("six", [6], [1, 1, 1]))
      },
      { builder, x in  // x² · clip
        let square = builder.node("square", .binary(.multiply), x, x)
        let product = builder.node("p", .binary(.multiply), square, try self.relu6(&builder, x))
        return builder.node("y", .binary(.divide), product, try builder.constant("six", [6]))
      },
      { builder, x in  // Keras's hard sigmoid
        let gate = builder.node("gate", .unary(.hardSigmoid(alpha: 0.2, beta: 0.5)), x)
        return builder.node("y", .binary(.multiply), x, gate)
      },
    ]
    for (index, spelling) in spellings.enumerated() {
      #expect(try graph(spelling).after(.activationRecognition).changes == 0, "spelling \(index)")
    }
  }

  @Test func hardSigmoid() throws {
    let divided = try recognised { builder, x in
      builder.node("y", .binary(.divide), try self.relu6(&builder, x), try builder.constant("six", [6]))
    }
    #expect(divided == .hardSigmoid(alpha: 1 / 6, beta: 0.5))
    let clipped = try recognised { builder, x in
      let scaled = builder.node("scaled", .binary(.multiply), x, try builder.constant("a", [0.25]))
      let line = builder.node("line", .binary(.add), scaled, try builder.constant("b", [0.5]))
      return builder.node("y", .unary(.clip(minimum: 0, maximum: 1)), line)
    }
    #expect(clipped == .hardSigmoid(alpha: 0.25, beta: 0.5))
  }

  // MARK: Gelu

  /// 1 + erf(x · factor).
  func error(_ builder: inout GraphBuilder, _ x: ValueID, factor: Float, one: Float = 1) throws -> ValueID {
    let scaled = builder.node("scaled", .binary(.multiply), x, try builder.constant("factor", [factor]))
    let erf = builder.node("erf", .unary(.errorFunction), scaled)
    return builder.node("shifted", .binary(.add), erf, try builder.constant("one", [one]))
  }

  @Test func geluInItsOrders() throws {
    let root = Float(2).squareRoot()
    let spellings: [(inout GraphBuilder, ValueID) throws -> ValueID] = [
      { builder, x in  // (x · (1 + erf)) · 0.5, x / √2
        let scaled = builder.node("scaled", .binary(.divide), x, try builder.constant("root", [root]))
        let erf = builder.node("erf", .unary(.errorFunction), scaled)
        let sum = builder.node("sum", .binary(.add), try builder.constant("one", [1]), erf)
        let product = builder.node("p", .binary(.multiply), x, sum)
        return builder.node("y", .binary(.multiply), product, try builder.constant("half", [0.5]))
      },
      { builder, x in  // x · (0.5 · (1 + erf))
        let half = builder.node(
          "h", .binary(.multiply), try builder.constant("half", [0.5]),
          try self.error(&builder, x, factor: 1 / root))
        return builder.node("y", .binary(.multiply), x, half)
      },
      { builder, x in  // (0.5 · x) · (1 + erf)
        let half = builder.node("h", .binary(.multiply), x, try builder.constant("half", [0.5]))
        return builder.node("y", .binary(.multiply), half, try self.error(&builder, x, factor: 1 / root))
      },
      { builder, x in  // x · (1 + erf) / 2
        let product = builder.node(
          "p", .binary(.multiply), try self.error(&builder, x, factor: 0.70710678), x)
        return builder.node("y", .binary(.divide), product, try builder.constant("two", [2]))
      },
    ]
    for (index, spelling) in spellings.enumerated() {
      #expect(try recognised(spelling) == .gelu(approximate: false), "spelling \(index)")
    }
  }

  /// √2 as a half, which models of halves divide by or whose reciprocal they multiply with.
  @Test func geluOfHalves() throws {
    for factor in [
      1 / Float(Float16(2).squareRoot()), Float(Float16(0.70710678)), Float(BFloat16(0.70710678)),
    ] {
      let function = try recognised { builder, x in
        let product = builder.node("p", .binary(.multiply), x, try self.error(&builder, x, factor: factor))
        return builder.node("y", .binary(.multiply), product, try builder.constant("half", [0.5]))
      }
      #expect(function == .gelu(approximate: false), "\(factor)")
    }
  }

  @Test func geluNearMisses() throws {
    for (factor, one, half) in [(Float(0.7), Float(1), Float(0.5)), (0.70710678, 2, 0.5), (0.70710678, 1, 1)]
    {
      let builder = try graph { builder, x in
        let product = builder.node(
          "p", .binary(.multiply), x, try self.error(&builder, x, factor: factor, one: one))
        return builder.node("y", .binary(.multiply), product, try builder.constant("half", [half]))
      }
      #expect(try builder.after(.activationRecognition).changes == 0, "\(factor) \(one) \(half)")
    }
  }

  /// x/2 · (1 + tanh(u)).
  func tanhForm(_ builder: inout GraphBuilder, _ x: ValueID, _ u: ValueID) throws -> ValueID {
    let tanh = builder.node("tanh", .unary(.tanh), u)
    let sum = builder.node("one+", .binary(.add), try builder.constant("one", [1]), tanh)
    let half = builder.node("h", .binary(.multiply), try builder.constant("half", [0.5]), sum)
    return builder.node("y", .binary(.multiply), x, half)
  }

  @Test func approximateGelu() throws {
    let scale: Float = 0.7978845834732056
    for (s, c) in [(scale, Float(0.044715)), (Float(Float16(scale)), Float(Float16(0.044715)))] {
      let power = try recognised { builder, x in  // √(2/π) · (x + 0.044715 · x³)
        let cube = builder.node("cube", .binary(.power), x, try builder.constant("three", [3]))
        let term = builder.node("term", .binary(.multiply), try builder.constant("c", [c]), cube)
        let sum = builder.node("sum", .binary(.add), x, term)
        return try tanhForm(
          &builder, x, builder.node("u", .binary(.multiply), sum, try builder.constant("s", [s])))
      }
      #expect(power == .gelu(approximate: true))
    }
    let products = try recognised { builder, x in  // as Flax writes it: x · (x · (c · x))
      let one = builder.node("m1", .binary(.multiply), try builder.constant("c", [0.044715]), x)
      let two = builder.node("m2", .binary(.multiply), x, one)
      let three = builder.node("m3", .binary(.multiply), x, two)
      let sum = builder.node("sum", .binary(.add), x, three)
      return try tanhForm(
        &builder, x, builder.node("u", .binary(.multiply), try builder.constant("s", [scale]), sum))
    }
    #expect(products == .gelu(approximate: true))
    let factored = try recognised { builder, x in  // √(2/π) · x · (1 + 0.044715 · x²)
      let square = builder.node("square", .binary(.multiply), x, x)
      let term = builder.node("term", .binary(.multiply), square, try builder.constant("c", [0.044715]))
      let sum = builder.node("sum", .binary(.add), term, try builder.constant("unit", [1]))
      let scaled = builder.node("scaled", .binary(.multiply), x, try builder.constant("s", [scale]))
      return try tanhForm(&builder, x, builder.node("u", .binary(.multiply), scaled, sum))
    }
    #expect(factored == .gelu(approximate: true))
  }

  @Test func approximateGeluNearMisses() throws {
    for (power, coefficient, scale) in [
      (Float(2), Float(0.044715), Float(0.79788458)), (3, 0.04, 0.79788458), (3, 0.044715, 0.8),
    ] {
      let builder = try graph { builder, x in
        let cube = builder.node("cube", .binary(.power), x, try builder.constant("power", [power]))
        let term = builder.node("term", .binary(.multiply), try builder.constant("c", [coefficient]), cube)
        let sum = builder.node("sum", .binary(.add), x, term)
        return try self.tanhForm(
          &builder, x, builder.node("u", .binary(.multiply), sum, try builder.constant("s", [scale])))
      }
      #expect(try builder.after(.activationRecognition).changes == 0, "\(power) \(coefficient) \(scale)")
    }
  }
}
