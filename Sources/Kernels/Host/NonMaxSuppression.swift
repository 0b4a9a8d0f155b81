import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html`, with the comparisons of onnxruntime: a box is kept if
/// its score is above the threshold, and suppressed if its overlap with a box selected before is above the threshold.
/// Of equal scores, the first box is selected first. Without a threshold of the score, every box is a candidate.
extension NonMaxSuppression: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let boxes = try operands.operand(0, of: .float32)
    let scores = try operands.operand(1, of: .float32)
    let (places, ranks) = (boxes.shape.dims, scores.shape.dims)
    try operands.require(
      places.count == 3 && places[2] == 4 && ranks.count == 3 && ranks[0] == places[0]
        && ranks[2] == places[1],
      "has boxes of \(boxes.shape) and scores of \(scores.shape)")
    let most = try operands.number(2, as: Int64.self) ?? 0
    let overlap = try operands.number(3, as: Float.self) ?? 0
    guard overlap >= 0, overlap <= 1 else {
      throw operands.invalidData("has \(overlap) as its threshold of overlap, which must be 0 to 1")
    }
    let score = try operands.number(4, as: Float.self)
    let selected = try boxes.withUnsafeBytes { boxes in
      try scores.withUnsafeBytes { scores in
        let selection = BoxSelection(
          areCentered: centerPointBox, count: places[1], most: Int(clamping: most), overlap: overlap,
          score: score)
        return try selection.run(boxes, scores, batches: places[0], classes: ranks[1])
      }
    }
    let shape = try Shape(checking: [selected.count / 3, 3])
    return CountedResults([KernelRequest.ResultType(.int64, shape)]) { [try Tensor(selected, shape: shape)] }
  }
}

/// The greedy selection of boxes.
private struct BoxSelection {
  var areCentered: Bool
  /// The number of boxes of a batch.
  var count: Int
  /// The most boxes that are selected of a class.
  var most: Int
  var overlap: Float
  var score: Float?

  private struct Candidate {
    var score: Float
    var index: Int
  }

  /// A rectangle.
  private struct Box {
    var left: Float
    var right: Float
    var top: Float
    var bottom: Float
    var area: Float { (right - left) * (bottom - top) }
  }

  /// The most pairs of boxes that are compared: a bound on the time.
  private static let mostComparisons = 1 << 31

  /// Returns batch, class and index of each selected box.
  /// - Throws: ``DeviceError`` if boxes would have to be compared for too long.
  func run(_ boxes: UnsafeRawBufferPointer, _ scores: UnsafeRawBufferPointer, batches: Int, classes: Int)
    throws -> [Int64]
  {
    var found: [Int64] = []
    var comparisons = 0
    // Without boxes, the numbers of batches and classes are not bounded by any elements.
    if most <= 0 || count == 0 { return found }
    var candidates: [Candidate] = []
    var chosen: [Box] = []
    for batch in 0..<batches {
      for kind in 0..<classes {
        candidates.removeAll(keepingCapacity: true)
        chosen.removeAll(keepingCapacity: true)
        let row = (batch * classes + kind) * count
        for index in 0..<count {
          let value = scores.loadUnaligned(fromByteOffset: (row + index) * 4, as: Float.self)
          if let score, !(value > score) { continue }
          candidates.append(Candidate(score: value, index: index))
        }
        candidates.sort(by: Self.precedes)
        for candidate in candidates {
          if chosen.count >= most { break }
          comparisons += chosen.count
          guard comparisons <= Self.mostComparisons else {
            throw DeviceError(
              .invalidData,
              "too many boxes overlap too little; set a score threshold, or fewer boxes for each class")
          }
          let box = box(boxes, batch * count + candidate.index)
          if chosen.contains(where: { isSuppressed(box, by: $0) }) { continue }
          chosen.append(box)
          found.append(Int64(batch))
          found.append(Int64(kind))
          found.append(Int64(candidate.index))
        }
      }
    }
    return found
  }

  /// The larger score first, then the smaller index; NaN last.
  private static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
    if a.score > b.score { return true }
    if a.score < b.score { return false }
    let (aIsLast, bIsLast) = (a.score.isNaN, b.score.isNaN)
    return aIsLast == bIsLast ? a.index < b.index : bIsLast
  }

  private func box(_ boxes: UnsafeRawBufferPointer, _ index: Int) -> Box {
    func number(_ place: Int) -> Float {
      boxes.loadUnaligned(fromByteOffset: (index * 4 + place) * 4, as: Float.self)
    }
    let (a, b, c, d) = (number(0), number(1), number(2), number(3))
    if areCentered {
      return Box(left: a - c / 2, right: a + c / 2, top: b - d / 2, bottom: b + d / 2)
    }
    let (left, right) = b >= d ? (d, b) : (b, d)
    let (top, bottom) = a >= c ? (c, a) : (a, c)
    return Box(left: left, right: right, top: top, bottom: bottom)
  }

  private func isSuppressed(_ box: Box, by other: Box) -> Bool {
    let left = box.left < other.left ? other.left : box.left
    let right = other.right < box.right ? other.right : box.right
    if right <= left { return false }
    let top = box.top < other.top ? other.top : box.top
    let bottom = other.bottom < box.bottom ? other.bottom : box.bottom
    if bottom <= top { return false }
    let common = (right - left) * (bottom - top)
    if common <= 0 { return false }
    let (area, otherArea) = (box.area, other.area)
    let all = area + otherArea - common
    if area <= 0 || otherArea <= 0 || all <= 0 { return false }
    return common / all > overlap
  }
}
