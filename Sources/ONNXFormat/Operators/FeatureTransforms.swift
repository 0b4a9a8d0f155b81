import ModelGraph
import Tensors

extension OperatorImport {
  /// Functions of features, of maps and of labels.
  static let featureOperators: [String: OperatorImport] = [
    "Scaler": OperatorImport(1...1) { node in
      let x = try node.operand(0)
      guard let type = node.elementType(x) else { throw NodeImport.unknownFeatures }
      let real: ElementType = type == .float64 ? .float64 : .float32
      var scaled = type == real ? x : node.intermediate(.cast(real), [x], "numbers")
      for (name, function) in [("offset", BinaryFunction.subtract), ("scale", .multiply)] {
        guard let numbers = try node.floats(name), !numbers.isEmpty else { continue }
        let row = node.graph.constant(try node.row(numbers, real), named: "\(node.name)/\(name)")
        scaled = node.intermediate(.binary(function), [scaled, row], "\(name)Applied")
      }
      try node.emit(.cast(.float32), [scaled])
    },
    "Normalizer": OperatorImport(1...1, normalizer),
    "Imputer": OperatorImport(1...1, imputer),
    "Binarizer": OperatorImport(1...1) { node in
      let x = try node.operand(0)
      guard let type = node.elementType(x) else { throw NodeImport.unknownFeatures }
      let threshold = try node.float("threshold", default: 0)
      // An integer need not be a float.
      let number = type.isFloatingPoint ? x : node.intermediate(.cast(.float64), [x], "number")
      let isAbove = node.intermediate(
        .binary(.greater), [number, try node.constant(threshold, like: number, "threshold")], "isAbove")
      try node.emit(.cast(type), [isAbove])
    },
    "OneHotEncoder": OperatorImport(1...1, oneHotEncoder),
    "ArrayFeatureExtractor": OperatorImport(2...2) { node in
      let indices = node.intermediate(
        .reshape(allowZero: false), [try node.operand(1), try node.constant([-1], "flat")], "indices")
      try node.emit(.gather(axis: -1), [try node.featureRows(try node.operand(0)), indices])
    },
    "FeatureVectorizer": OperatorImport(1...Int.max, featureVectorizer),
    "LabelEncoder": OperatorImport(1...1, labelEncoder),
    "CategoryMapper": OperatorImport(1...1, categoryMapper),
    "DictVectorizer": OperatorImport(1...1) { _ in throw NodeImport.UnsupportedForm(reason: "maps") },
    "CastMap": OperatorImport(1...1) { _ in throw NodeImport.UnsupportedForm(reason: "maps") },
    // A list of maps from the labels to the scores. No value here is a map: the result is the tensor of the scores, whose
    // columns are in the order of the labels, which the import tells apart.
    "ZipMap": OperatorImport(1...1) { node in
      if node.has("classlabels_int64s") || node.has("classlabels_strings") {
        node.graph.mapKeys[node.proto.output.first ?? ""] = try node.classLabels("classlabels_int64s")
      }
      try node.emit(.identity, node.operands)
    },
  ]

  /// Divides each row by its norm; a row of norm 0 stays. The largest element is a norm with its sign, as ONNX has it.
  private static func normalizer(_ node: NodeImport) throws {
    let kinds: [String: Reduction] = ["MAX": .maximum, "L1": .l1, "L2": .l2]
    let kind = try node.choice("norm", default: "MAX", kinds)
    let operand = try node.operand(0)
    guard let type = node.elementType(operand) else { throw NodeImport.unknownFeatures }
    let x = type == .float32 ? operand : node.intermediate(.cast(.float32), [operand], "floats")
    // One axis is one row.
    let axes = try node.constant([node.rank(operand) == 1 ? 0 : 1], "axes")
    let norm = node.intermediate(
      .reduce(kind, keepDimensions: true, noopWithEmptyAxes: false), [x, axes], "norm")
    let isZero = node.intermediate(
      .binary(.equal), [norm, try node.constant(0, like: x, "zero")], "isZero")
    let divisor = node.intermediate(.select, [isZero, try node.constant(1, like: x, "one"), norm], "divisor")
    try node.emit(.binary(.divide), [x, divisor])
  }

  private static func imputer(_ node: NodeImport) throws {
    let x = try node.operand(0)
    guard let type = node.elementType(x) else { throw NodeImport.unknownFeatures }
    let (floats, integers) = (
      try node.floats("imputed_value_floats") ?? [], try node.integers("imputed_value_int64s") ?? []
    )
    let (float, integer) = (
      try node.float("replaced_value_float", default: 0), try node.integer("replaced_value_int64", default: 0)
    )
    let imputed = type.isFloatingPoint ? try node.row(floats, type) : try node.row(integers, type)
    guard imputed.shape.elementCount > 0 else { throw node.malformed("has no value to put in for \(type)") }
    let isMissing: ValueID
    if type.isFloatingPoint, float.isNaN {
      isMissing = node.intermediate(.unary(.isNaN), [x], "isMissing")
    } else {
      let replaced =
        type.isFloatingPoint ? try node.row([Float(float)], type) : try node.row([integer], type)
      isMissing = node.intermediate(
        .binary(.equal), [x, node.graph.constant(replaced, named: "\(node.name)/replaced")], "isMissing")
    }
    try node.emit(.select, [isMissing, node.graph.constant(imputed, named: "\(node.name)/imputed"), x])
  }

  private static func oneHotEncoder(_ node: NodeImport) throws {
    let mayBeNone = try node.flag("zeros", default: true)
    let x = try node.operand(0)
    let integer: ValueID
    let categories: [Int]
    if let texts = try node.textBytes("cats_strings") {
      let vocabulary = Vocabulary(texts)
      integer = node.intermediate(.stringIndex(vocabulary.list), [x], "integers")
      categories = vocabulary.indices
    } else {
      integer = node.elementType(x) == .int64 ? x : node.intermediate(.cast(.int64), [x], "integers")
      categories = try node.integers("cats_int64s") ?? []
    }
    guard !categories.isEmpty else { throw node.malformed("has no categories") }
    let column = node.intermediate(.unsqueeze, [integer, try node.constant([-1], "last")], "column")
    var isEqual = node.intermediate(
      .binary(.equal), [column, try node.constant(categories, "categories")], "isCategory")
    // Of equal categories the last one counts.
    let places = Dictionary(categories.enumerated().map { ($1, $0) }, uniquingKeysWith: max)
    if places.count < categories.count {
      let isLast = categories.enumerated().map { places[$1] == $0 }
      let mask = try Tensor(isLast, shape: Shape(checking: [categories.count]))
      isEqual = node.intermediate(
        .binary(.and), [isEqual, node.graph.constant(mask, named: "\(node.name)/isLast")], "isLastCategory")
    }
    if mayBeNone { return try node.emit(.cast(.float32), [isEqual]) }
    // An element of no category is an error: there is no second factor.
    let ones = node.intermediate(.cast(.float32), [isEqual], "ones")
    let count = node.intermediate(
      .reduce(.sum, keepDimensions: true, noopWithEmptyAxes: false),
      [ones, try node.constant([-1], "sumAxes")],
      "count")
    let missing = node.intermediate(
      .binary(.subtract), [try node.constant(1, like: ones, "one"), count], "missing")
    let index = node.intermediate(.cast(.int64), [missing], "factorIndex")
    let factor = node.intermediate(
      .gather(axis: 0), [try node.constant([Float(1)], "factors"), index], "factor")
    try node.emit(.binary(.multiply), [ones, factor])
  }

  /// Concatenates rows, each cut or filled with zeros to its length.
  private static func featureVectorizer(_ node: NodeImport) throws {
    let lengths = try node.integers("inputdimensions", in: 0...NodeImport.largest, count: nil) ?? []
    if !lengths.isEmpty { try node.check(lengths.count, "inputdimensions", node.operands.count) }
    let parts = try node.operands.indices.map { index in
      var x = try node.floatRows(try node.operand(index))
      let rank = node.rank(x)
      // Further axes are further features.
      if let rank, rank > 2 { x = node.intermediate(.flatten(axis: 1), [x], "row\(index)") }
      guard !lengths.isEmpty else { return x }
      let size = node.graph.type(of: x)?.dimensions?.last?.size
      // A number of features that the file does not tell may be smaller or larger.
      if size ?? 0 < lengths[index] {
        let pads = try node.constant([0, 0, 0, lengths[index] - (size ?? 0)], "pads\(index)")
        x = node.intermediate(.pad(.constant), [x, pads], "filled\(index)")
      }
      if size ?? .max > lengths[index] {
        x = node.intermediate(
          .slice,
          [
            x, try node.constant([0], "start\(index)"), try node.constant([lengths[index]], "end\(index)"),
            try node.constant([1], "axis\(index)"),
          ], "part\(index)")
      }
      return x
    }
    try node.emit(.concat(axis: 1), parts)
  }
}

extension NodeImport {
  /// Numbers of features, in elements of `type`.
  fileprivate func row(_ numbers: [Float], _ type: ElementType) throws -> Tensor {
    let shape = try Shape(checking: [numbers.count])
    return type == .float64
      ? try Tensor(numbers.map { Double($0) }, shape: shape) : try Tensor(numbers, shape: shape)
  }

  fileprivate func row(_ numbers: [Int], _ type: ElementType) throws -> Tensor {
    let shape = try Shape(checking: [numbers.count])
    guard type == .int32 else { return try Tensor(numbers.map { Int64($0) }, shape: shape) }
    return try Tensor(
      try numbers.map { number in
        guard let narrow = Int32(exactly: number) else { throw malformed("has \(number) for int32") }
        return narrow
      }, shape: shape)
  }
}
