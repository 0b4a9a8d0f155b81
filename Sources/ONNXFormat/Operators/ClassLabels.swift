import ModelGraph
import Tensors

/// The labels of a classifier's classes.
public enum ClassLabels: Sendable {
  case integers([Int])
  case texts([[UInt8]])

  var count: Int {
    switch self {
    case .integers(let labels): labels.count
    case .texts(let labels): labels.count
    }
  }

  var indices: Range<Int> { 0..<count }
}

extension NodeImport {
  /// The labels of the classes: texts, or the integers of the attribute of this name.
  func classLabels(_ integers: String) throws -> ClassLabels {
    let numbers = try self.integers(integers) ?? []
    if let texts = try textBytes("classlabels_strings") {
      guard numbers.isEmpty else {
        throw malformed("has both labels that are texts and labels that are integers")
      }
      return .texts(texts)
    }
    guard !numbers.isEmpty else { throw malformed("has no labels of classes") }
    return .integers(numbers)
  }

  /// The labels as a constant list.
  private func list(_ labels: ClassLabels) throws -> ValueID {
    switch labels {
    case .integers(let numbers): try constant(numbers, "labels")
    case .texts(let texts): try constant(texts, "labels")
    }
  }

  /// The label of the largest score of each row.
  func topLabel(_ scores: ValueID, _ labels: ClassLabels) throws -> ValueID {
    let best = intermediate(
      .argumentOf(.maximum, axis: 1, keepDimensions: false, selectLastIndex: false), [scores], "best")
    return intermediate(.gather(axis: 0), [try list(labels), best], "label")
  }

  /// The second label for rows whose one score is above `threshold`, else the first. A single class has the labels 0 and 1.
  func label(_ score: ValueID, above threshold: Double, of labels: ClassLabels) throws -> ValueID {
    let list = intermediate(.squeeze, [score, try constant([1], "scoreAxis")], "scoreList")
    let isAbove = intermediate(
      .binary(.greater), [list, try constant(threshold, like: score, "threshold")], "isAbove")
    let (first, second): (ValueID, ValueID)
    switch labels {
    case .integers(let numbers):
      func scalar(_ label: Int, _ suffix: String) throws -> ValueID {
        graph.constant(try Tensor([Int64(label)], shape: .scalar), named: "\(name)/\(suffix)")
      }
      let pair = numbers.count == 1 ? [0, 1] : numbers
      (first, second) = (try scalar(pair[0], "firstLabel"), try scalar(pair[1], "secondLabel"))
    case .texts(let texts):
      guard texts.count > 1 else { throw UnsupportedForm(reason: "one class, whose label is a text") }
      func scalar(_ label: [UInt8], _ suffix: String) -> ValueID {
        intermediate(.strings(StringList(bytesOf: [label]), shape: .scalar), [], suffix)
      }
      (first, second) = (scalar(texts[0], "firstLabel"), scalar(texts[1], "secondLabel"))
    }
    return intermediate(.select, [isAbove, second, first], "label")
  }
}
