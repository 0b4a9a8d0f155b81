import ModelGraph
import Tensors

extension OperatorImport {
  /// Vectors of texts: of words, or of integers that stand for them.
  static let vectorizerOperators: [String: OperatorImport] = [
    "TfIdfVectorizer": OperatorImport(1...1, since: 9, tfIdfVectorizer)
  ]

  /// Weights are those of n-grams, as the specification and ONNX Runtime have them, not those of columns, as in the
  /// reference implementation.
  private static func tfIdfVectorizer(_ node: NodeImport) throws {
    let vocabulary = try node.textBytes("pool_strings").map(Vocabulary.init)
    guard try node.text("mode") != nil else { throw node.malformed("lacks the attribute 'mode'") }
    let mode = try node.choice("mode", default: "TF", ["TF": GramMode.tf, "IDF": .idf, "TFIDF": .tfIdf])
    let longest = try node.integer("max_gram_length", in: 1...NodeImport.largest)
    let shortest = try node.integer("min_gram_length", in: 1...longest)
    let skips = try node.integer("max_skip_count", in: 0...NodeImport.largest)
    guard skips <= GramCounts.maximumSkips else {
      throw NodeImport.UnsupportedForm(reason: "max_skip_count \(skips)")
    }
    guard let columns = try node.integers("ngram_indexes", in: 0...NodeImport.largest, count: nil),
      let last = columns.max()
    else { throw node.malformed("lacks its ngram_indexes") }
    let given = try node.floats("weights").flatMap { $0.isEmpty ? nil : $0 }
    if let given { try node.check(given.count, "weights", columns.count) }
    let tree = try node.grams(of: vocabulary?.indices, lengths: shortest...longest, columns, given)
    func table(_ numbers: [Int], _ name: String) throws -> ValueID { try node.constant(numbers, name) }
    let op = Op.gramCounts(
      GramCounts(
        width: last + 1, minimumLength: shortest, maximumLength: longest, skips: skips,
        onlyPresence: mode == .idf))
    try node.emit(
      op,
      [
        try node.tokens(vocabulary), try table(tree.tokens, "tokens"), try table(tree.children, "children"),
        try table(tree.columns, "columns"),
        given == nil || mode == .tf ? nil : try node.constant(tree.weights, "weights"),
      ])
  }

  private enum GramMode { case tf, idf, tfIdf }
}

extension NodeImport {
  /// The operand; if it has texts, the index of each in the vocabulary.
  fileprivate func tokens(_ vocabulary: Vocabulary?) throws -> ValueID {
    let x = try operand(0)
    guard let vocabulary else {
      if elementType(x) == .string { throw malformed("has no texts in its pool") }
      return x
    }
    return intermediate(.stringIndex(vocabulary.list), [x], "tokenIndices")
  }

  /// The tree of the pool's n-grams of these lengths.
  /// - Parameter texts: the pool as indices of a vocabulary, if it has texts.
  fileprivate func grams(
    of texts: [Int]?, lengths: ClosedRange<Int>, _ columns: [Int], _ weights: [Float]?
  ) throws -> GramTree {
    let numbers = try integers("pool_int64s") ?? []
    if texts != nil, !numbers.isEmpty { throw malformed("has both a pool of texts and one of integers") }
    let pool = texts ?? numbers
    guard let starts = try integers("ngram_counts", in: 0...pool.count, count: nil), !starts.isEmpty else {
      throw malformed("lacks its ngram_counts")
    }
    var tree = GramTree()
    var gram = 0
    for (index, start) in starts.enumerated() {
      let (length, end) = (index + 1, index + 1 < starts.count ? starts[index + 1] : pool.count)
      guard start <= end, (end - start) % length == 0 else {
        throw malformed("has \(length)-grams from \(start) to \(end) of its pool")
      }
      for place in stride(from: start, to: end, by: length) {
        guard gram < columns.count else {
          throw malformed("has more n-grams in its pool than ngram_indexes")
        }
        if lengths.contains(length) {
          tree.insert(pool[place..<place + length], column: columns[gram], weight: weights?[gram] ?? 1)
        }
        gram += 1
      }
    }
    return tree.levelled()
  }
}

/// A tree of n-grams, in the layout of ``GramCounts`` once it is levelled.
private struct GramTree {
  var tokens: [Int] = []
  var children: [Int] = []
  var columns: [Int] = []
  var weights: [Float] = []
  /// The edges below each edge by their integers, those of the first level before them all.
  private var below: [[Int: Int]] = [[:]]

  /// Adds an n-gram. Of equal ones, the last counts.
  mutating func insert(_ gram: ArraySlice<Int>, column: Int, weight: Float) {
    var parent = 0
    for token in gram {
      if let edge = below[parent][token] {
        parent = edge + 1
        continue
      }
      below[parent][token] = tokens.count
      tokens.append(token)
      columns.append(-1)
      weights.append(1)
      below.append([:])
      parent = tokens.count
    }
    (columns[parent - 1], weights[parent - 1]) = (column, weight)
  }

  /// The same tree with its edges in the order of levels.
  func levelled() -> GramTree {
    var order = below[0].sorted { $0.key < $1.key }.map(\.value)
    var children = [order.count]
    var next = 0
    while next < order.count {
      order += below[order[next] + 1].sorted { $0.key < $1.key }.map(\.value)
      children.append(order.count)
      next += 1
    }
    var tree = GramTree()
    tree.tokens = order.map { tokens[$0] }
    tree.columns = order.map { columns[$0] }
    tree.weights = order.map { weights[$0] }
    tree.children = children
    return tree
  }
}
