import Tensors

/// A sum or a product of two quantised values of one shape, quantised again: `QLinearAdd` and `QLinearMul` of ONNX Runtime.
///
/// Operands and result are `int8` or `uint8`. The numbers that the levels stand for are combined in `float32` and rounded to the nearest
/// level (ties to even) within a range.
package struct LevelArithmetic: Operator {
  package static let name = "levels.arithmetic"
  package static let signature = Signature(.data("a"), .data("b"))
  package static let family = OperatorFamily.elementwise

  /// `add`, `subtract` or `multiply`.
  package var function: BinaryFunction
  package var a: LevelSteps
  package var b: LevelSteps
  package var result: LevelSteps
  package var range: QuantizedRange

  package init(
    function: BinaryFunction, a: LevelSteps, b: LevelSteps, result: LevelSteps, range: QuantizedRange
  ) {
    self.function = function
    self.a = a
    self.b = b
    self.result = result
    self.range = range
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.function, \.a, \.b, \.result, \.range) }

  package static func supports(_ function: BinaryFunction) -> Bool {
    function == .add || function == .subtract || function == .multiply
  }

  package var attributes: [PrintedAttribute] {
    [
      PrintedAttribute("function", function.rawValue),
      PrintedAttribute("range", "\(range.minimum)…\(range.maximum)"),
    ]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard Self.supports(function) else { throw node.failure("it computes \(function.rawValue) of levels") }
    for index in 0..<2 { try node.checkLevels(index) }
    if let a = node.dimensions(0), let b = node.dimensions(1) {
      let areEqual =
        a.count == b.count && zip(a, b).allSatisfy { $0.size == nil || $1.size == nil || $0 == $1 }
      guard areEqual else {
        throw node.failure("its operands are \(ValueType.text(a)) and \(ValueType.text(b))")
      }
    }
    return [Fact(range.elementType, node.dimensions(0) ?? node.dimensions(1))]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.isRows(1) }
}

extension Op {
  package static func levelArithmetic(_ arithmetic: LevelArithmetic) -> Op { Op(arithmetic) }
}

extension QuantizedRange {
  /// The type of the levels.
  package var elementType: ElementType { isSigned ? .int8 : .uint8 }
}

extension NodeTyping {
  /// Checks that an operand is of 8-bit integers.
  func checkLevels(_ index: Int) throws(GraphError) {
    guard let type = elementType(index), type != .int8, type != .uint8 else { return }
    throw failure("operand \(index) has levels of type \(type)")
  }
}
