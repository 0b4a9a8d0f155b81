import Tensors

/// The first element of `found` that is too far from `expected`, in words; `nil` when all are near.
///
/// Integers and booleans are to be equal; floats within 1e-4 · max|expected| + 1e-3 · |expected|, halves within half a
/// step of their own more.
func difference(_ found: Tensor, _ expected: Tensor) -> String? {
  guard found.elementType == expected.elementType, found.shape == expected.shape else {
    return "\(found) is not \(expected)"
  }
  guard let (found, expected, step) = numbers(found, expected) else {
    return found == expected ? nil : "\(found.integers ?? []) is not \(expected.integers ?? [])"
  }
  let largest = expected.filter(\.isFinite).map(\.magnitude).max() ?? 0
  for (index, (a, b)) in zip(found, expected).enumerated() {
    if a.isNaN && b.isNaN || a == b { continue }
    guard b.isFinite else { return "element \(index) is \(a), not \(b)" }
    // Written so that a NaN is too far away.
    if !((a - b).magnitude <= 1e-4 * largest + (1e-3 + step) * b.magnitude) {
      return "element \(index) is \(a), not \(b)"
    }
  }
  return nil
}

/// Both tensors' elements with the relative size of a step of their type; `nil` unless it is a floating-point one.
private func numbers(_ found: Tensor, _ expected: Tensor) -> ([Double], [Double], Double)? {
  if let a = try? found.elements(as: Double.self), let b = try? expected.elements(as: Double.self) {
    return (a, b, 0)
  }
  guard let a = found.floats, let b = expected.floats else { return nil }
  let step = found.elementType == .float16 ? 0x1p-10 : found.elementType == .bfloat16 ? 0x1p-7 : 0
  return (a.map { Double($0) }, b.map { Double($0) }, step)
}
