import ModelGraph
import Tensors

extension OperatorImport {
  /// Linear models.
  static let linearModelOperators: [String: OperatorImport] = [
    "LinearRegressor": OperatorImport(1...1) { node in
      let targets = try node.integer("targets", in: 1...NodeImport.largest, default: 1)
      let transform = try node.postTransform()
      let scores = try node.linearScores(outputs: targets, intercepts: try node.floats("intercepts") ?? [])
      try node.emit(.identity, [try node.transformed(scores, transform)])
    },
    "LinearClassifier": OperatorImport(1...1) { node in
      node.ignore("multi_class")
      let labels = try node.classLabels("classlabels_ints")
      let transform = try node.postTransform()
      let intercepts = try node.floats("intercepts") ?? []
      let outputs = intercepts.isEmpty ? labels.count : intercepts.count
      let scores = try node.linearScores(outputs: outputs, intercepts: intercepts)
      if outputs == 1, labels.count == 2 {
        return try node.emitClasses(
          try node.label(scores, above: 0, of: labels),
          scores: try node.twoScores(scores, transform, addUpToOne: true))
      }
      guard outputs == labels.count, outputs > 1 else {
        throw NodeImport.UnsupportedForm(reason: "\(outputs) scores for \(labels.count) classes")
      }
      try node.emitClasses(
        try node.topLabel(scores, labels), scores: try node.transformed(scores, transform))
    },
  ]
}

extension NodeImport {
  /// Products of the rows and the rows of `coefficients`, plus the intercepts.
  fileprivate func linearScores(outputs: Int, intercepts: [Float]) throws -> ValueID {
    let weights = try matrix(try floats("coefficients") ?? [], rows: outputs, "coefficients")
    var bias: ValueID?
    if !intercepts.isEmpty {
      try check(intercepts.count, "intercepts", outputs)
      bias = try constant(intercepts, "intercepts")
    }
    return try products(try floatRows(try operand(0)), weights, bias)
  }

  /// The products of the rows of two matrices.
  func products(_ x: ValueID, _ y: ValueID, _ bias: ValueID?) throws -> ValueID {
    intermediate(.matrixMultiply(MatrixMultiply(transposeB: true)), [x, y, bias], "products")
  }

  /// A constant of that many rows.
  func matrix(_ elements: [Float], rows: Int, _ suffix: String) throws -> ValueID {
    guard rows > 0, !elements.isEmpty, elements.count % rows == 0 else {
      throw malformed("has \(elements.count) numbers in '\(suffix)', which are not \(rows) rows")
    }
    let shape = try Shape(checking: [rows, elements.count / rows])
    return graph.constant(try Tensor(elements, shape: shape), named: "\(name)/\(suffix)")
  }
}
