import Tensors

/// Counts of n-grams in each row of integers, ONNX's `TfIdfVectorizer`:
/// `https://onnx.ai/onnx/operators/onnx__TfIdfVectorizer.html`.
///
/// The known n-grams are a tree whose edges are numbered level by level: `tokens` has each edge's integer, ascending among
/// the edges of one parent; the edges below edge `e` are those from `children[e]` to `children[e + 1]`, and the first level
/// is those before `children[0]`. `columns` has the result's column of the n-gram that ends with an edge, or −1.
/// `weights` has that n-gram's weight, by which its count is multiplied.
package struct GramCounts: Operator {
  package static let name = "gramcounts"
  package static let signature = Signature(
    .data("x"), .data("tokens"), .data("children"), .data("columns"), .optional(.data("weights")))
  package static let family = OperatorFamily.window

  /// The number of columns of the result.
  package var width: Int
  package var minimumLength: Int
  package var maximumLength: Int
  /// The most integers between two neighbours of an n-gram.
  package var skips: Int
  /// True if an n-gram counts once, however often it occurs.
  package var onlyPresence: Bool

  package static var coding: Coding<Self> {
    Coding(Self.init, \.width, \.minimumLength, \.maximumLength, \.skips, \.onlyPresence)
  }

  package init(width: Int, minimumLength: Int, maximumLength: Int, skips: Int, onlyPresence: Bool) {
    (self.width, self.minimumLength, self.maximumLength) = (width, minimumLength, maximumLength)
    (self.skips, self.onlyPresence) = (skips, onlyPresence)
  }

  package var attributes: [PrintedAttribute] {
    [
      PrintedAttribute("width", width), PrintedAttribute("lengths", "\(minimumLength) to \(maximumLength)"),
      PrintedAttribute("skips", skips),
    ]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.gramCounts(self)] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.resultRank == 2
  }

  /// A search for an integer among the edges costs about as much as a multiplication.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.elements(0) * Double(max(skips, 0) + 1)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      GramCounts(width: 1, minimumLength: 1, maximumLength: 1, skips: 0, onlyPresence: onlyPresence),
      operands: operands, results: results
    ).with(.sizes([1]), .sizes([1]), .sizes([2]), .sizes([1]), .sizes([1]))
  }

  /// The largest number of skips that a model may have.
  package static let maximumSkips = 1 << 16
}

extension Op {
  package static func gramCounts(_ counts: GramCounts) -> Op { Op(counts) }
}

extension NodeTyping {
  fileprivate func gramCounts(_ counts: GramCounts) throws(GraphError) -> Fact {
    guard counts.width >= 0, counts.minimumLength > 0, counts.maximumLength >= counts.minimumLength,
      (0...GramCounts.maximumSkips).contains(counts.skips)
    else {
      throw failure(
        "it counts n-grams of \(counts.minimumLength) to \(counts.maximumLength) with \(counts.skips) skips")
    }
    if let type = elementType(0), type != .int32, type != .int64 { throw failure("it counts \(type)") }
    for index in 1...3 {
      if let type = elementType(index), type != .int64 { throw failure("its tables are \(type)") }
    }
    if let type = elementType(4), type != .float32 { throw failure("its weights are \(type)") }
    for index in 1...4 where dimensions(index).map({ $0.count != 1 }) ?? false {
      throw failure("operand \(index) has to be a list")
    }
    guard let rows = dimensions(0) else { return Fact(.float32, nil) }
    guard rows.count == 1 || rows.count == 2 else {
      throw failure("its operand has \(rows.count) axes, not one or two")
    }
    return Fact(.float32, rows.dropLast() + [.known(counts.width)])
  }
}
