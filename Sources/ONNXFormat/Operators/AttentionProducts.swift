import ModelGraph
import Tensors

/// Attention of queries to keys, each [batch, heads, positions, size] and of one element type. There may be several heads
/// of queries to each head of keys and values.
struct AttentionProducts {
  var query: ValueID
  var key: ValueID
  var value: ValueID
  /// `nil`: one over the root of the size of a head.
  var scale: Double?
  /// 0 for none.
  var softcap = 0.0
  var bias: AttentionBias?
  /// The type that the softmax is computed in.
  var precision: ElementType?
  /// The intermediate value that is a result of its own.
  var observed: Stage?
  /// One number a head that stands for the score of a key without a value, as [1, heads, 1, 1].
  var sink: ValueID?
  /// Functions of scores, before the softmax, and of probabilities.
  var changeScores: ((ValueID) throws -> ValueID)?
  var changeProbabilities: ((ValueID) throws -> ValueID)?

  enum Stage { case scores, capped, biased, probabilities }

  /// Returns [batch, query heads, queries, value size], and the observed stage.
  func lower(_ node: NodeImport) throws -> (result: ValueID, observed: ValueID?) {
    let groups = try GroupedHeads(query: query, key: key, node)
    var seen: [Stage: ValueID] = [:]
    var scores = try scaledScores(node, groups)
    seen[.scores] = scores
    if softcap > 0 {
      let cap = try node.constant(softcap, like: query, "softcap")
      let ratio = node.binary(.divide, scores, cap, "capRatio")
      scores = node.binary(.multiply, node.intermediate(.unary(.tanh), [ratio], "capTanh"), cap, "capped")
    }
    seen[.capped] = scores
    var (bias, isEmpty) = (bias?.value, ValueID?.none)
    if let own = bias, observed == .biased { seen[.biased] = node.binary(.add, scores, own, "biased") }
    if let own = bias, self.bias?.mayExcludeAll == true {
      // A query without keys has no softmax: it gets one of its scores as they are, and a result of zeros.
      let axes = try node.constant([-1], "keyAxis")
      let largest = node.intermediate(
        .reduce(.maximum, keepDimensions: true, noopWithEmptyAxes: false), [own, axes], "largestBias")
      let none = try node.constant(-Double.infinity, like: own, "noKey")
      let empty = node.binary(.equal, largest, none, "isEmpty")
      bias = node.intermediate(
        .select, [empty, try node.constant(0, like: own, "zeroBias"), own], "boundedBias")
      isEmpty = empty
    }
    if let bias { scores = node.binary(.add, scores, bias, "biasedScores") }
    if observed == .biased, seen[.biased] == nil { seen[.biased] = scores }
    if let changeScores { scores = try changeScores(scores) }
    var probabilities = try softmax(scores, node)
    if let changeProbabilities { probabilities = try changeProbabilities(probabilities) }
    if observed == .probabilities, let empty = isEmpty {
      probabilities = node.intermediate(
        .select, [empty, try node.constant(0, like: query, "zero"), probabilities], "probabilities")
    }
    seen[.probabilities] = probabilities
    let product = node.intermediate(
      .matrixMultiply(MatrixMultiply()), [try groups.folded(probabilities, node, "weights"), value], "product"
    )
    var result = groups.unfolded(product, last: node.size(3, of: value, "valueSize"), node, "result")
    if let isEmpty {
      result = node.intermediate(
        .select, [isEmpty, try node.constant(0, like: query, "zeroResult"), result], "boundedResult")
    }
    return (result, observed.flatMap { seen[$0] })
  }

  private func scaledScores(_ node: NodeImport, _ groups: GroupedHeads) throws -> ValueID {
    var (query, factor) = (query, scale)
    if factor == nil, let size = node.knownSize(3, of: query) ?? node.knownSize(3, of: key), size > 0 {
      factor = 1 / Double(size).squareRoot()
    }
    if factor == nil, let type = node.elementType(query) {
      let size = node.intermediate(.cast(type), [node.size(3, of: query, "headSize")], "headSizeReal")
      let root = node.intermediate(.unary(.squareRoot), [size], "headSizeRoot")
      query = node.binary(.divide, query, root, "scaledQuery")
    }
    let product = node.intermediate(
      .matrixMultiply(MatrixMultiply(transposeB: true, alpha: factor ?? 1)),
      [try groups.folded(query, node, "queries"), key], "dots")
    return groups.unfolded(product, last: node.size(2, of: key, "keyCount"), node, "scores")
  }

  private func softmax(_ scores: ValueID, _ node: NodeImport) throws -> ValueID {
    let type = node.elementType(scores)
    var scores = scores
    if precision == .float64 { scores = node.converted(scores, to: .float64, "preciseScores") }
    var probabilities: ValueID
    if let sink {
      probabilities = try softmax(scores, withSink: sink, node)
    } else {
      probabilities = node.intermediate(.softmax(axis: -1), [scores], "softmax")
    }
    if let type { probabilities = node.converted(probabilities, to: type, "roundedSoftmax") }
    return probabilities
  }

  /// Appends the sink as one more score, and leaves its probability out.
  private func softmax(_ scores: ValueID, withSink sink: ValueID, _ node: NodeImport) throws -> ValueID {
    let rows = node.intermediate(.shape(start: 0, end: 3), [scores], "sinkRows")
    let shape = node.concatenated([rows, try node.constant([1], "sinkColumn")], "sinkShape")
    let column = node.intermediate(.expand, [sink, shape], "sinkScores")
    let all = node.intermediate(.concat(axis: 3), [scores, column], "scoresAndSink")
    let probabilities = node.intermediate(.softmax(axis: -1), [all], "softmaxAndSink")
    return try node.sliced(probabilities, 0, -1, axis: 3, "softmax")
  }
}

/// Heads of queries that share a head of keys, brought together: [batch, query heads, queries, n] is seen as
/// [batch, key heads, heads a group · queries, n], which has the same bytes.
private struct GroupedHeads {
  private let keyHeads: ValueID?
  private let rows: ValueID?

  init(query: ValueID, key: ValueID, _ node: NodeImport) throws {
    if let heads = node.knownSize(1, of: query), let groups = node.knownSize(1, of: key),
      groups == 0 || heads % groups != 0
    {
      throw node.malformed("has \(heads) heads of queries for \(groups) of keys")
    }
    let isSame = node.haveSameSize(1, of: query, 1, of: key)
    keyHeads = isSame ? nil : node.size(1, of: key, "keyHeads")
    rows = isSame ? nil : node.intermediate(.shape(start: 0, end: 3), [query], "queryRows")
  }

  func folded(_ x: ValueID, _ node: NodeImport, _ suffix: String) throws -> ValueID {
    guard let keyHeads else { return x }
    let (copied, rest) = (
      try node.constant([0], suffix + "Batch"), try node.constant([-1, 0], suffix + "Rest")
    )
    let shape = node.concatenated([copied, keyHeads, rest], suffix + "Shape")
    return node.intermediate(.reshape(allowZero: false), [x, shape], suffix)
  }

  func unfolded(_ x: ValueID, last: ValueID, _ node: NodeImport, _ suffix: String) -> ValueID {
    rows.map { node.reshaped(x, to: [$0, last], suffix) } ?? x
  }
}
