import Tensors
import Testing

struct ShapeTests {
  @Test func shapesThatCannotBeComputedWithDoNotExist() throws {
    for dims in [[-1], [3, -2], [Int.max], [1 << 31, 1 << 31], [Int.max, 2], [1 << 62, 0], [Int.min]] {
      #expect(throws: TensorError.self, "\(dims)") { try Shape(checking: dims) }
    }
    #expect(throws: TensorError.self) { try Shape(checking: [Int](repeating: 1, count: 17)) }
    #expect(try Shape(checking: [Int](repeating: 1, count: 16)).elementCount == 1)
  }

  @Test func countsAndStridesAreThoseOfRowMajorOrder() throws {
    #expect(([2, 3, 4] as Shape).elementCount == 24)
    #expect(([2, 3, 4] as Shape).strides == [12, 4, 1])
    #expect(Shape.scalar.elementCount == 1)
    #expect(Shape.scalar.strides.isEmpty)
    #expect(([5, 0, 4] as Shape).elementCount == 0)
    #expect(([2, 3] as Shape)[axis: -1] == 3)
    #expect(([2, 3] as Shape)[axis: 2] == nil)
    #expect(([2, 3] as Shape)[axis: -3] == nil)
  }

  /// The widest shape that exists can still be counted in bytes of the widest type.
  @Test func bytesNeverOverflow() throws {
    let widest = try Shape(checking: [Int.max / 64])
    for type in ElementType.allCases { #expect(type.byteCount(of: widest.elementCount) != nil) }
    #expect(ElementType.float64.byteCount(of: Int.max) == nil)
    #expect(ElementType.int4.byteCount(of: 5) == 3)
  }
}
