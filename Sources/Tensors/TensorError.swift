/// A fault in a shape, a tensor's bytes or an `.npy` file.
public struct TensorError: Error, Sendable, Hashable, CustomStringConvertible {
  enum Code: Sendable, Hashable {
    case rankTooLarge(Int)
    case negativeDimension([Int])
    case tooManyElements([Int])
    case byteCountMismatch(expected: Int, found: Int, ElementType, Shape)
    case elementTypeMismatch(expected: ElementType, found: ElementType)
    case unreadable(path: String, reason: String)
    case malformedNPY(path: String, reason: String)
    case outOfMemory(Int)
  }

  let code: Code

  init(_ code: Code) { self.code = code }

  public var description: String {
    switch code {
    case .rankTooLarge(let rank):
      "a tensor of rank \(rank) was asked for; at most \(Shape.maximumRank) axes are supported"
    case .negativeDimension(let dims): "the shape \(dims) has a negative dimension"
    case .tooManyElements(let dims): "a tensor of shape \(dims) is larger than this machine can address"
    case .byteCountMismatch(let expected, let found, let type, let shape):
      "a tensor of \(type) and shape \(shape) takes \(expected) bytes, but \(found) were given"
    case .elementTypeMismatch(let expected, let found):
      "expected a tensor of \(expected), found one of \(found)"
    case .unreadable(let path, let reason): "cannot read or write '\(path)': \(reason)"
    case .malformedNPY(let path, let reason): "'\(path)' is not an .npy file that can be used: \(reason)"
    case .outOfMemory(let bytes): "cannot allocate \(bytes) bytes"
    }
  }
}
