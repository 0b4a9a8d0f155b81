import ModelGraph
import Tensors

/// The pairs of classes that decide against each other: (0, 1), (0, 2), … (1, 2), ….
struct ClassPairs {
  let perClass: [Int]
  let starts: [Int]
  let vectors: Int
  let pairs: [(first: Int, second: Int)]

  /// The most numbers in the weights of all pairs, of which most are 0.
  private static let maximumWeights = 1 << 26

  var count: Int { pairs.count }

  init(_ node: NodeImport, _ perClass: [Int]) throws {
    self.perClass = perClass
    var (starts, sum) = ([Int](), 0)
    for count in perClass {
      starts.append(sum)
      let (next, overflow) = sum.addingReportingOverflow(count)
      guard count >= 0, !overflow else { throw node.malformed("has \(count) support vectors of a class") }
      sum = next
    }
    guard let count = PairwiseCoupling.pairs(of: perClass.count),
      case let (size, overflow) = count.multipliedReportingOverflow(by: max(sum, perClass.count)),
      !overflow, size <= Self.maximumWeights
    else { throw NodeImport.UnsupportedForm(reason: "\(perClass.count) classes of \(sum) support vectors") }
    guard sum > 0 else { throw node.malformed("has no support vectors") }
    (self.starts, vectors) = (starts, sum)
    pairs = perClass.indices.flatMap { first in
      perClass.indices.dropFirst(first + 1).map { (first, $0) }
    }
  }

  /// The weight of each vector in each pair. The coefficients have a row for each class but one: those of a vector against the
  /// other classes in their order.
  func weights(_ node: NodeImport, _ coefficients: [Float]) throws -> ValueID {
    guard coefficients.count >= (perClass.count - 1) * vectors else {
      throw node.malformed("has \(coefficients.count) coefficients of \(vectors) support vectors")
    }
    var weights = [Float](repeating: 0, count: count * vectors)
    for (row, pair) in pairs.enumerated() {
      for (own, other) in [(pair.first, pair.second - 1), (pair.second, pair.first)] {
        for vector in starts[own]..<(starts[own] + perClass[own]) {
          weights[row * vectors + vector] = coefficients[other * vectors + vector]
        }
      }
    }
    return try node.matrix(weights, rows: count, "pairWeights")
  }

  /// The votes of each class: a decision above 0 is a vote for the first class of its pair, another one for the second.
  func votes(_ node: NodeImport, _ decisions: ValueID) throws -> ValueID {
    var gains = [Float](repeating: 0, count: perClass.count * count)
    var seconds = [Float](repeating: 0, count: perClass.count)
    for (column, pair) in pairs.enumerated() {
      gains[pair.first * count + column] = 1
      gains[pair.second * count + column] = -1
      seconds[pair.second] += 1
    }
    let zero = try node.constant(0, like: decisions, "zeroVotes")
    let isFirst = node.intermediate(.binary(.greater), [decisions, zero], "isFirst")
    let wins = node.intermediate(.cast(.float32), [isFirst], "wins")
    return node.intermediate(
      .matrixMultiply(MatrixMultiply(transposeB: true)),
      [
        wins, try node.matrix(gains, rows: perClass.count, "gains"),
        try node.constant(seconds, "secondVotes"),
      ],
      "votes")
  }
}
