import Device
import Tensors

/// The square matrices in the last two axes of operand 0, which elimination in doubles works on one by one.
struct SquareMatrices {
  /// Rows, and columns, of each.
  var size: Int
  /// Elements of each.
  var elements: Int
  /// The number of matrices.
  var count: Int
  /// Scratch memory for a copy of one in doubles.
  var scratchBytes: Int

  /// - Throws: ``DeviceError`` if there are none, or they are not square or too large.
  init(_ request: KernelRequest) throws {
    let dims = try request.operand(0).shape.dims
    try request.require(dims.count >= 2, "a matrix is needed")
    size = dims[dims.count - 1]
    try request.require(size == dims[dims.count - 2], "the matrices should be square")
    count = dims.dropLast(2).reduce(1, *)
    let (elements, overflow) = size.multipliedReportingOverflow(by: size)
    guard !overflow, let bytes = ElementType.float64.byteCount(of: elements) else {
      throw request.invalid("too large")
    }
    self.elements = elements
    scratchBytes = alignedScratch(bytes)
  }

  /// The row with the largest element of column `step`, from row `step` on; a NaN counts as the largest.
  func pivotRow(_ matrix: UnsafePointer<Double>, _ step: Int) -> Int {
    var pivot = step
    for row in step..<size {
      let candidate = matrix[row &* size &+ step].magnitude
      if candidate > matrix[pivot &* size &+ step].magnitude || candidate.isNaN { pivot = row }
    }
    return pivot
  }

  /// Swaps two rows, from a column on.
  func swapRows(_ matrix: UnsafeMutablePointer<Double>, _ a: Int, _ b: Int, from first: Int = 0) {
    for column in first..<size {
      let kept = matrix[a &* size &+ column]
      matrix[a &* size &+ column] = matrix[b &* size &+ column]
      matrix[b &* size &+ column] = kept
    }
  }
}
