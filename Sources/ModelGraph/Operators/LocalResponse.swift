import Tensors

/// ONNX `LRN`.
package struct LocalResponse: Operator {
  package static let name = "norm.localresponse"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package var size: Int
  package var alpha: Double
  package var beta: Double
  package var bias: Double

  package init(size: Int, alpha: Double, beta: Double, bias: Double) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.size, \.alpha, \.beta, \.bias) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("size", size)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.localResponseNormalization(self)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1, 1]), results: [1, 1, 1])
  }
}

extension Op {
  package static func localResponseNormalization(_ response: LocalResponse) -> Op { Op(response) }
}

extension NodeTyping {
  fileprivate func localResponseNormalization(_ response: LocalResponse) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    _ = try channels(type, atLeast: 3)
    guard response.size > 0 else { throw failure("its window is of \(response.size) channels") }
    return Fact(type)
  }
}
