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
    for (count, bytes) in zip(0...5, [0, 1, 1, 1, 1, 2]) {
      #expect(ElementType.uint2.byteCount(of: count) == bytes)
    }
  }
}

@Test func declaredShapesAreRead() throws {
  let shape = try ShapeRanges(parsing: "1..8x3x224")
  #expect(shape.ranges == [1...8, 3...3, 224...224])
  #expect(shape.description == "1..8x3x224")
  for inside in [[1, 3, 224], [8, 3, 224]] as [Shape] { #expect(shape.contains(inside)) }
  for outside in [[0, 3, 224], [9, 3, 224], [1, 3, 223], [1, 3], [1, 3, 224, 1], []] as [Shape] {
    #expect(!shape.contains(outside))
  }
  #expect((0...3).map { shape.onlySize(ofAxis: $0) } == [nil, 3, 224, nil])
  let largest = try ShapeRanges(parsing: "0..\(Int.max)x\(Int.max)x5000000000")
  #expect(largest.ranges == [0...Int.max, Int.max...Int.max, 5_000_000_000...5_000_000_000])
  #expect((0...2).map { largest.onlySize(ofAxis: $0) } == [nil, Int.max, 5_000_000_000])
  for text in ["", "x", "1x", "3..1", "1...2", "1..2..3", "-1", "axb", "9223372036854775808"] {
    #expect(throws: ShapeRangesError.self, "\(text)") { try ShapeRanges(parsing: text) }
  }
}
