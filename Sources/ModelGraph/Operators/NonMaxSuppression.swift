import Tensors

/// ONNX `NonMaxSuppression`: boxes, scores, the most boxes of a class, the thresholds of overlap and of the score.
///
/// The result has a row for each selected box: batch, class, box.
package struct NonMaxSuppression: Operator {
  package static let name = "nonmaxsuppression"
  package static let signature = Signature(
    .data("boxes"), .data("scores"), .optional(.data("count")), .optional(.data("overlap")),
    .optional(.data("score")))
  package static let family = OperatorFamily.window
  package static let resultSizesDependOnData = true

  /// True if a box is its centre, width and height; otherwise, it is two opposite corners, each y before x.
  package var centerPointBox: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.centerPointBox) }

  package var attributes: [PrintedAttribute] {
    centerPointBox ? [PrintedAttribute("boxes", "centre and size")] : []
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { try node.nonMaxSuppression() }
}

extension Op {
  package static func nonMaxSuppression(centerPointBox: Bool) -> Op {
    Op(NonMaxSuppression(centerPointBox: centerPointBox))
  }
}

extension NodeTyping {
  fileprivate func nonMaxSuppression() throws(GraphError) -> [Fact?] {
    for (index, wanted) in [ElementType.float32, .float32, .int64, .float32, .float32].enumerated() {
      if let type = elementType(index), type != wanted {
        throw failure("its operand \(index) is \(type), not \(wanted)")
      }
    }
    let (boxes, scores) = (dimensions(0), dimensions(1))
    if let boxes {
      guard boxes.count == 3, boxes[2].unified(with: .known(4)) != nil else {
        throw failure("its boxes are \(ValueType.text(boxes)), not batches of boxes of 4 numbers")
      }
    }
    if let scores, scores.count != 3 {
      throw failure("its scores are \(ValueType.text(scores)), not batches of classes of boxes")
    }
    if let boxes, let scores {
      _ = try unified(boxes[0], scores[0], "the batches of boxes and scores")
      _ = try unified(boxes[1], scores[2], "the numbers of boxes and scores")
    }
    return [Fact(.int64, [.unknown, .known(3)])]
  }
}
