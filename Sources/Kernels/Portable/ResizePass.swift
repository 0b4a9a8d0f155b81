/// Interpolation along one axis of a dense tensor.
///
/// The elements that an index of the result comes from, and their weights, are worked out in each call, for some indices at a
/// time: a table of all would take more memory than a small image with a long axis.
struct ResizePass: Sendable {
  private let outer: Int
  private let inner: Int
  private let axis: ResizeAxis

  /// One element of the operand that goes into one of the result.
  private struct Share<Element: Real> {
    var target: Int
    var source: Int
    var weight: Element
    var isFirst: Bool
  }

  /// The shares that are worked out at a time.
  private static let blockSize = 1024

  init(outer: Int, inner: Int, axis: ResizeAxis) {
    (self.outer, self.inner, self.axis) = (outer, inner, axis)
  }

  func run<Element: Real>(_ source: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>) {
    withUnsafeTemporaryAllocation(of: Share<Element>.self, capacity: Self.blockSize) { block in
      var count = 0
      for index in 0..<axis.output {
        var isFirst = true
        axis.forEachTap(index) { place, weight in
          if count == Self.blockSize {
            add(UnsafeBufferPointer(block), source, target)
            count = 0
          }
          // Trivial: no value is overwritten that would have to be destroyed.
          block.initializeElement(
            at: count,
            to: Share(target: index, source: place, weight: Element(weight), isFirst: isFirst))
          count += 1
          isFirst = false
        }
        if isFirst { clear(index, target) }
      }
      add(UnsafeBufferPointer(rebasing: block[..<count]), source, target)
    }
  }

  private func add<Element: Real>(
    _ shares: UnsafeBufferPointer<Share<Element>>, _ source: UnsafePointer<Element>,
    _ target: UnsafeMutablePointer<Element>
  ) {
    for row in 0..<outer {
      let from = source + row &* axis.input &* inner
      let to = target + row &* axis.output &* inner
      if inner == 1 {
        var sum = shares.first.map { to[$0.target] } ?? .zero
        for share in shares {
          if share.isFirst { sum = .zero }
          sum += share.weight * from[share.source]
          to[share.target] = sum
        }
        continue
      }
      for share in shares {
        let line = to + share.target &* inner
        if share.isFirst { line.update(repeating: 0, count: inner) }
        addScaled(from + share.source &* inner, 1, line, 1, inner, share.weight)
      }
    }
  }

  /// Nothing of the operand goes into these elements.
  private func clear<Element: Real>(_ index: Int, _ target: UnsafeMutablePointer<Element>) {
    for row in 0..<outer {
      (target + (row &* axis.output &+ index) &* inner).update(repeating: 0, count: inner)
    }
  }
}
