import Tensors

/// ONNX `Reshape`: −1 infers a size; 0 copies one, unless `allowZero`.
package struct Reshape: Operator {
  package static let name = "reshape"
  package static let signature = Signature(.data("x"), .shape("shape"))
  package static let family = OperatorFamily.movement
  package static let isView = true
  package static let isShapeArithmetic = true
  package var reals: RealElements { .moved }

  package var allowZero: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.allowZero) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.reshape(allowZero: allowZero)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsNotRows && rows.keepsElements
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .integers([1]))
  }
}

extension Op {
  package static func reshape(allowZero: Bool) -> Op { Op(Reshape(allowZero: allowZero)) }
}

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__Reshape.html`
  fileprivate func reshape(allowZero: Bool) throws(GraphError) -> Fact? {
    try checkInteger(1, "sizes")
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let target = try list(1) else { return Fact(type, nil) }
    let source = operand.type.dimensions
    var result: [Dimension] = []
    var inferred: [Int] = []
    for (position, element) in target.enumerated() {
      switch element {
      case .integer(-1):
        inferred.append(position)
        result.append(.unknown)
      case .integer(0) where !allowZero:
        if let source {
          guard source.indices.contains(position) else {
            throw failure("size \(position) is copied, but there is none")
          }
          result.append(source[position])
        } else {
          result.append(.unknown)
        }
      case .integer(let size) where size < 0: throw failure("a size is \(size)")
      default: result.append(element.dimension)
      }
    }
    guard inferred.count <= 1 else { throw failure("more than one size is to be inferred") }
    if allowZero, !inferred.isEmpty, target.contains(.integer(0)) {
      throw failure("a size is to be inferred beside one of 0")
    }
    guard let source else { return Fact(type, result) }
    // One size that is not known follows from the others, whether it will be −1 or the number itself.
    let open = result.indices.filter {
      result[$0] == .unknown && (inferred.isEmpty || target[$0] == .unknown)
    }
    if inferred.isEmpty, open.count == 1 { inferred = open }
    let rest = result.indices.filter { !inferred.contains($0) }.map { result[$0] }
    guard let total = DimensionProduct(source), let product = DimensionProduct(rest) else {
      throw failure("a number of elements is larger than this machine can address")
    }
    if let position = inferred.first {
      let (quotient, remainder) = total.divided(by: product)
      let isAsked = target[position] == .integer(-1)
      guard !remainder, !(isAsked && product.dimension == .known(0)) else {
        throw failure(
          "\(ValueType.text(source)) has no size that makes it \(ValueType.text(result))")
      }
      result[position] = quotient
    } else if let before = total.dimension.size, let after = product.dimension.size, before != after {
      throw failure(
        "\(ValueType.text(source)) has \(before) elements and \(ValueType.text(result)) has \(after)")
    }
    return Fact(type, result, elements: elements(of: operand, as: result))
  }
}
