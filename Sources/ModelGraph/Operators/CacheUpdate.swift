import Tensors

/// ONNX `TensorScatter`: a cache, an update that is written into a copy of it along one axis, and for each image of the batch the
/// place where its update starts (0 if left out).
package struct CacheUpdate: Operator {
  package static let name = "cacheupdate"
  package static let signature = Signature(.data("cache"), .data("update"), .optional(.data("starts")))
  package static let family = OperatorFamily.movement

  package var axis: Int
  /// True when what does not fit behind the end is written from the start on.
  package var circular: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.circular) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("axis", axis)] + (circular ? [PrintedAttribute("mode", "circular")] : [])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.cacheUpdate(axis: axis)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.isRows(1) && (!rows.has(2) || rows.isRows(2))
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(CacheUpdate(axis: 1, circular: circular), operands: operands, results: results)
      .with(.sizes([1, 1]), .sizes([1, 1]), .sizes([1]), results: [1, 1])
  }
}

extension Op {
  package static func cacheUpdate(axis: Int, circular: Bool) -> Op {
    Op(CacheUpdate(axis: axis, circular: circular))
  }
}

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__TensorScatter.html`
  fileprivate func cacheUpdate(axis: Int) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1])
    try checkInteger(2, "starts")
    guard let type = type(0) else { return nil }
    guard let cache = type.dimensions else { return Fact(type) }
    let axis = try normalized(axis, rank: cache.count)
    guard axis > 0 else { throw failure("its axis is that of the batch") }
    try checkVector(2, cache[0], "list of starts")
    guard let update = dimensions(1) else { return Fact(type) }
    guard update.count == cache.count else {
      throw failure("the update has \(update.count) axes and the cache \(cache.count)")
    }
    for other in cache.indices where other != axis {
      _ = try unified(cache[other], update[other], "update and cache along axis \(other)")
    }
    if let size = cache[axis].size, let wanted = update[axis].size, wanted > size {
      throw failure("the update is longer than the cache")
    }
    return Fact(type)
  }
}
