import ModelGraph
import Tensors

extension OperatorImport {
  /// Products of quantised values.
  static let integerProductOperators: [String: OperatorImport] = [
    "MatMulInteger": OperatorImport(2...4, since: 10) { node in
      let zero = try node.optional(2).map { try node.rowZeroPoint($0) }
      try node.emit(
        .integerMatrixMultiply(), [try node.operand(0), try node.operand(1), zero, node.optional(3)])
    },
    "ConvInteger": OperatorImport(2...4, since: 10) { node in
      try node.emit(
        .integerConvolution(IntegerConvolution(window: try node.convolutionWindow())), node.operands)
    },
    "QLinearConv": OperatorImport(8...9, since: 10) { node in
      let result = try node.levels(7)
      let scale = node.ratio(
        try node.operand(1), try node.operand(4), over: try node.singleNumber(try node.operand(6), "scale"))
      let convolution = IntegerConvolution(
        window: try node.convolutionWindow(spatialAxes: try node.spatialAxes(image: 0, weights: 3)),
        result: result)
      try node.emit(
        .integerConvolution(convolution),
        [
          try node.operand(0), try node.operand(3), try node.operand(2), try node.operand(5),
          node.optional(8), scale, try node.operand(7),
        ])
    },
    "QLinearMatMul": OperatorImport(8...8, since: 10) { node in
      let (a, b) = (try node.operand(0), try node.operand(3))
      let (scaleA, scaleB) = (try node.operand(1), try node.operand(4))
      let step = try node.singleNumber(try node.operand(6), "scale")
      let zeros = [try node.rowZeroPoint(try node.operand(2)), try node.operand(5)]
      let result = try node.levels(7)
      if node.isOneNumber(scaleA), node.isRow(scaleB) {
        let scale = node.ratio(scaleA, scaleB, over: step)
        let multiply = IntegerMatrixMultiply(result: result)
        return try node.emit(
          .integerMatrixMultiply(multiply), [a, b] + zeros + [nil, scale, try node.operand(7)])
      }
      let sums = node.intermediate(.integerMatrixMultiply(), [a, b] + zeros, "sums")
      let rows = node.intermediate(
        .binary(.multiply), [node.intermediate(.cast(.float32), [sums], "numbers"), try node.column(scaleA)],
        "rows")
      let product = node.intermediate(
        .binary(.multiply), [rows, node.converted(scaleB, to: .float32, "columnScale")], "product")
      try node.emit(
        .quantize(to: result.elementType),
        [product, node.converted(step, to: .float32, "step"), try node.operand(7)])
    },
    "DynamicQuantizeLinear": OperatorImport(1...1, since: 11) { node in
      try node.emit(.dynamicQuantize, [try node.operand(0)])
    },
  ]
}

/// A value and what it is quantised with.
struct QuantizedImport {
  var integers: ValueID
  var scale: ValueID
  var zeroPoint: ValueID
}

extension NodeImport {
  /// The levels of the result: those of the type of its zero point.
  func levels(_ zero: Int) throws -> ProductResult {
    switch elementType(try operand(zero)) {
    case .int8: return .levels(QuantizedRange(isSigned: true))
    case .uint8: return .levels(QuantizedRange(isSigned: false))
    case let type?: throw UnsupportedForm(reason: "a result of type \(type)")
    case nil: throw UnsupportedForm(reason: "the element type of its result cannot be told from the file")
    }
  }

  /// The scale of sums of products, in steps of the result.
  func ratio(_ a: ValueID, _ b: ValueID, over step: ValueID) -> ValueID {
    let product = intermediate(
      .binary(.multiply),
      [converted(a, to: .float32, "leftScale"), converted(b, to: .float32, "rightScale")], "productScale")
    return intermediate(.binary(.divide), [product, converted(step, to: .float32, "step")], "ratio")
  }

  /// The parameters of a convolution.
  func convolutionWindow(spatialAxes: Int? = nil) throws -> Convolution {
    let window = try window(spatialAxes: try spatialAxes ?? self.spatialAxes())
    return Convolution(
      strides: window.strides, dilations: window.dilations, padding: window.padding,
      groups: try integer("group", in: 1...NodeImport.largest, default: 1))
  }

  /// A zero point of the left matrix; one for each row becomes a column.
  func rowZeroPoint(_ id: ValueID) throws -> ValueID {
    if isOneNumber(id) || rank(id) != 1 { return id }
    return try column(id)
  }

  /// A vector as a column.
  func column(_ id: ValueID) throws -> ValueID {
    let value =
      elementType(id).map { $0.isFloatingPoint } ?? false ? converted(id, to: .float32, "columnNumbers") : id
    guard rank(id) == 1 else { return value }
    let shape = try constant([-1, 1], "columnShape")
    return intermediate(.reshape(allowZero: false), [value, shape], "column")
  }

  /// Returns true if a value is known to be one number.
  func isOneNumber(_ id: ValueID) -> Bool {
    if rank(id) == 0 { return true }
    return graph.type(of: id)?.shape?.elementCount == 1 || tensor(id)?.shape.elementCount == 1
  }

  /// Returns true if a value is one number, or a vector.
  func isRow(_ id: ValueID) -> Bool { rank(id).map { $0 <= 1 } ?? false || isOneNumber(id) }

  /// `x` as `uint8`, with the scale and the zero point that ONNX `DynamicQuantizeLinear` finds for it.
  func quantizedDynamically(_ x: ValueID) -> QuantizedImport {
    let made = QuantizedImport(
      integers: graph.value(named: "\(name)/integers"), scale: graph.value(named: "\(name)/scale"),
      zeroPoint: graph.value(named: "\(name)/zeroPoint"))
    graph.append(
      Node(
        name: "\(name)/quantized", op: .dynamicQuantize, inputs: [x],
        outputs: [made.integers, made.scale, made.zeroPoint]))
    return made
  }
}
