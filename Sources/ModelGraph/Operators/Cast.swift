import Tensors

/// ONNX `Cast`.
package struct Cast: Operator {
  package static let name = "cast"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.elementwise
  package static let isShapeArithmetic = true

  package var target: ElementType
  /// The way to the float types of eight bits; of no meaning for other targets, where it is the standard one.
  package var rounding: SmallFloatRounding

  package static var coding: Coding<Self> { Coding(Self.init, \.target, \.rounding) }

  package var attributes: [PrintedAttribute] {
    var printed = [PrintedAttribute("to", target.shortName)]
    if !rounding.saturates { printed.append(PrintedAttribute("saturate", "no")) }
    if rounding.powers != .up { printed.append(PrintedAttribute("rounding", rounding.powers.rawValue)) }
    return printed
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.cast(to: target)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }
}

extension Cast {
  private enum Key: CodingKey { case target, rounding }

  /// In JSON, the standard rounding may be left out.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    target = try container.decode(ElementType.self, forKey: .target)
    rounding = try container.decodeIfPresent(SmallFloatRounding.self, forKey: .rounding) ?? .standard
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(target, forKey: .target)
    if rounding != .standard { try container.encode(rounding, forKey: .rounding) }
  }
}

extension Op {
  package static func cast(_ target: ElementType, _ rounding: SmallFloatRounding = .standard) -> Op {
    Op(Cast(target: target, rounding: rounding))
  }
}

extension NodeTyping {
  fileprivate func cast(to target: ElementType) throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let source = operand.type.elementType
    guard !source.isHandle, !target.isHandle else {
      throw failure("it does not convert \(source) to \(target)")
    }
    return Fact(
      target, operand.type.dimensions,
      elements: operand.elements?.map { $0.cast(from: source, to: target) })
  }
}

extension SmallFloatRounding.Powers: Packable {}

extension SmallFloatRounding: Packable {
  package func pack(into writer: inout GraphWriter) { writer.write(saturates, powers) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(saturates: try reader.read(), powers: try reader.read())
  }
}
