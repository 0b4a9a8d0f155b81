import Tensors

/// ONNX `MaxPool`, whose second result is the index of each maximum in x, and `AveragePool`; sums, which `LpPool` is made of. The
/// global pools have no window.
package struct Pool: Operator {
  package static let name = "pool"
  package static let signature = Signature(.data("x"), results: 1...2)
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package enum Kind: String, Sendable, Hashable, Codable, Packable {
    case maximum, average, averageIncludingPadding, sum
  }
  package var kind: Kind
  /// `nil`: the window is the whole image (global pooling).
  package var window: [Int]?
  package var strides: [Int]
  package var dilations: [Int]
  package var padding: Padding
  package var ceilingMode: Bool

  package init(
    kind: Kind, window: [Int]?, strides: [Int], dilations: [Int], padding: Padding, ceilingMode: Bool = false
  ) {
    self.kind = kind
    self.window = window
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.ceilingMode = ceilingMode
  }

  package static var coding: Coding<Self> {
    Coding(Self.init, \.kind, \.window, \.strides, \.dilations, \.padding, \.ceilingMode)
  }

  package var name: String { "pool.\(kind.rawValue)" }

  package var attributes: [PrintedAttribute] {
    guard let window else { return [PrintedAttribute("window", "whole image")] }
    let geometry = Convolution(strides: strides, dilations: dilations, padding: padding, groups: 1)
    return [PrintedAttribute("window", window)] + geometry.attributes
      + (ceilingMode ? [PrintedAttribute("rounding", "up")] : [])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { try node.pool(self) }

  /// Indices count from the first image on.
  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.resultCount == 1 }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    let pool = Pool(
      kind: kind, window: [1], strides: [1], dilations: [1], padding: .explicit([0, 0]),
      ceilingMode: ceilingMode)
    return SmallestNode(pool, operands: operands, results: results).with(
      .sizes([1, 1, 1]), results: [1, 1, 1])
  }
}

extension Op {
  package static func pool(_ pool: Pool) -> Op { Op(pool) }
}

extension NodeTyping {
  fileprivate func pool(_ pool: Pool) throws(GraphError) -> [Fact?] {
    guard node.outputs.count == 1 || pool.kind == .maximum && pool.window != nil else {
      throw failure("only a maximum in a window has an index")
    }
    let values = try pooled(pool)
    return [values, Fact(.int64, values?.type.dimensions)].prefix(node.outputs.count).map { $0 }
  }

  private func pooled(_ pool: Pool) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    guard let image = type.dimensions else { return Fact(type) }
    guard image.count >= 3 else { throw failure("it pools over the spatial axes, and there are none") }
    var result = Array(image.prefix(2))
    guard let window = pool.window else {
      return Fact(type.elementType, result + image.dropFirst(2).map { _ in .known(1) })
    }
    guard window.count == image.count - 2 else {
      throw failure("its window \(window) is not of \(image.count - 2) spatial axes")
    }
    let geometry = Convolution(
      strides: pool.strides, dilations: pool.dilations, padding: pool.padding, groups: 1)
    let slides = try self.slides(geometry, kernel: window.map { .known($0) })
    for (size, slide) in zip(image.dropFirst(2), slides) {
      result.append(try covered(size, slide, ceilingMode: pool.ceilingMode))
    }
    return Fact(type.elementType, result)
  }
}
