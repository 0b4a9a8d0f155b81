/// The sizes of a tensor along each axis, outermost first; a scalar's shape is empty.
///
/// A shape that exists is one that can be computed with: no dimension is negative, and the number of elements, times
/// the widest element, fits an `Int`.
public struct Shape: Sendable, Hashable {
  /// The dimensions, outermost first.
  public let dims: [Int]
  /// The product of the dimensions; 1 for a scalar.
  public let elementCount: Int

  /// The widest rank that is accepted from outside (oneDNN goes to 12, ONNX models to about 8).
  public static let maximumRank = 16

  /// Checks `dims` and makes a shape of them.
  /// - Throws: ``TensorError`` when a dimension is negative, the rank too large or the element count out of bounds.
  public init(checking dims: [Int]) throws(TensorError) {
    guard dims.count <= Shape.maximumRank else { throw TensorError(.rankTooLarge(dims.count)) }
    var nonzero = 1
    for dim in dims {
      guard dim >= 0 else { throw TensorError(.negativeDimension(dims)) }
      if dim == 0 { continue }
      let (product, overflow) = nonzero.multipliedReportingOverflow(by: dim)
      guard !overflow, product <= Int.max / 64 else { throw TensorError(.tooManyElements(dims)) }
      nonzero = product
    }
    self.dims = dims
    self.elementCount = dims.contains(0) ? 0 : nonzero
  }

  /// The shape of a scalar.
  public static let scalar = Shape()

  private init() {
    dims = []
    elementCount = 1
  }

  /// The number of axes.
  public var rank: Int { dims.count }

  /// Distances between neighbours along each axis, in elements, of a dense row-major tensor.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: dims.count)
    for axis in dims.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * max(dims[axis + 1], 1)
    }
    return strides
  }

  /// The dimension along `axis`, which may count from the end (`-1` is the last); `nil` when there is no such axis.
  public subscript(axis axis: Int) -> Int? {
    let index = axis < 0 ? axis + dims.count : axis
    return dims.indices.contains(index) ? dims[index] : nil
  }
}

extension Shape: ExpressibleByArrayLiteral {
  /// A shape written in the source. Traps on dimensions that ``init(checking:)`` refuses: never for outside input.
  public init(arrayLiteral dims: Int...) {
    do { self = try Shape(checking: dims) } catch { preconditionFailure("\(error)") }
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { "[" + dims.map(String.init).joined(separator: ", ") + "]" }
}

extension Shape: Codable {
  public init(from decoder: any Decoder) throws {
    try self.init(checking: [Int](from: decoder))
  }

  public func encode(to encoder: any Encoder) throws { try dims.encode(to: encoder) }
}
