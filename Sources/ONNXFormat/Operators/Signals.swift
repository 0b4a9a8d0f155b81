import ModelGraph
import Tensors

extension OperatorImport {
  /// Windows for signals: each of n elements is a sum of cosines, a₀ + a₁·cos(2πi/d) + a₂·cos(4πi/d) …, where d is n for
  /// periodic windows, and else n − 1.
  static let signalWindowOperators: [String: OperatorImport] = [
    // https://onnx.ai/onnx/operators/onnx__BlackmanWindow.html
    "BlackmanWindow": window([0.42, -0.5, 0.08]),
    // https://onnx.ai/onnx/operators/onnx__HammingWindow.html
    "HammingWindow": window([25 / 46, -21 / 46]),
    // https://onnx.ai/onnx/operators/onnx__HannWindow.html: sin² (πi/d).
    "HannWindow": window([0.5, -0.5]),
  ]

  private static func window(_ factors: [Double]) -> OperatorImport {
    OperatorImport(1...1, since: 17) { node in
      let type = try node.elementType(number: try node.integer("output_datatype", default: 1))
      let count = try node.operand(0)
      let isPeriodic = try node.flag("periodic", default: true)
      func number(_ value: Double, _ suffix: String) throws -> ValueID {
        node.graph.constant(try Tensor([value], shape: .scalar), named: "\(node.name)/\(suffix)")
      }
      func integer(_ value: Int64, _ suffix: String) throws -> ValueID {
        node.graph.constant(try Tensor([value], shape: .scalar), named: "\(node.name)/\(suffix)")
      }
      let wide = node.intermediate(.cast(.int64), [count], "count")
      let scalar = node.intermediate(
        .reshape(allowZero: false), [wide, try node.constant([Int](), "scalar")], "size")
      let numbers = node.intermediate(
        .range, [try integer(0, "first"), scalar, try integer(1, "step")], "numbers")
      let places = node.intermediate(.cast(.float64), [numbers], "places")
      var whole = node.intermediate(.cast(.float64), [scalar], "whole")
      if !isPeriodic {
        whole = node.intermediate(.binary(.subtract), [whole, try number(1, "one")], "last")
      }
      var sum = try number(factors[0], "factor0")
      for (index, factor) in factors.enumerated().dropFirst() {
        let turns = node.intermediate(
          .binary(.multiply), [places, try number(2 * .pi * Double(index), "turn\(index)")], "turns\(index)")
        let angle = node.intermediate(.binary(.divide), [turns, whole], "angle\(index)")
        let cosine = node.intermediate(.unary(.cosine), [angle], "cosine\(index)")
        let product = node.intermediate(
          .binary(.multiply), [cosine, try number(factor, "factor\(index)")], "product\(index)")
        sum = node.intermediate(.binary(.add), [product, sum], "sum\(index)")
      }
      try node.emit(.cast(type), [sum])
    }
  }
}
