import Device
import ModelGraph
import Tensors

extension MatrixMultiply: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try MatrixMultiplyProgram.build(self, request) }
}

/// ONNX `MatMul` and `Gemm`: a, b, bias (optional).
enum MatrixMultiplyProgram {
  static func build(_ multiply: MatrixMultiply, _ request: KernelRequest) throws -> Program? {
    let (a, b, result) = (try request.operand(0), try request.operand(1), try request.result(0))
    guard let wide = Conversion.foldType(a.elementType, ordered: false) else { return nil }
    if let program = try Conversion.ifNeeded(
      request, operands: [0: wide, 1: wide, 2: wide], results: [0: wide])
    {
      return program
    }
    try request.requireSameType(0)
    try request.requireSameType(1)
    var tail: Program?
    if request.optionalOperand(2) != nil {
      let itself = Operand(elementType: result.elementType, shape: result.shape)
      tail = try Program.build(
        request.with(
          op: .binary(.add), operands: [itself, try request.operand(2)], results: [result]))
      if tail == nil { return nil }
    }
    let product = try MatrixProduct(multiply, a.shape, b.shape, result.shape, request)
    let add = tail
    func program<Element: Number>(_ type: Element.Type) -> Program {
      let alpha = Element(converting: multiply.alpha)
      return Program(name: "matmul \(result.elementType)", isReference: true) { frame in
        let (left, right) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
        let target = try frame.result(0, as: type)
        product.run(left, right, target)
        if alpha != Element.one {
          mapElements(type, target, target, product.count) { Element.product($0, alpha) }
        }
        try add?.body(
          Frame(
            operands: [UnsafeRawPointer(target), frame.operands[2]],
            results: [UnsafeMutableRawPointer(target)], scratch: nil))
      }
    }
    switch result.elementType {
    case .float32: return program(Float.self)
    case .float64: return program(Double.self)
    case .int64: return program(Int64.self)
    default: return nil
    }
  }
}

/// The loops of a batched product of matrices.
struct MatrixProduct: Sendable {
  private let batches: Walk
  private let rows: Int
  private let columns: Int
  private let depth: Int
  /// Steps along rows and columns of either operand.
  private let left: (row: Int, column: Int)
  private let right: (row: Int, column: Int)
  /// Elements of the result.
  let count: Int

  init(_ multiply: MatrixMultiply, _ a: Shape, _ b: Shape, _ result: Shape, _ request: KernelRequest) throws {
    try request.require(a.rank >= 1 && b.rank >= 1, "a scalar is no matrix")
    // A vector on the left is a row, one on the right a column; the result then lacks that axis.
    var leftDims = a.rank == 1 ? [1] + a.dims : a.dims
    var rightDims = b.rank == 1 ? b.dims + [1] : b.dims
    func takeMatrix(_ dims: inout [Int], transposed: Bool) -> (rows: Int, columns: Int, row: Int, column: Int)
    {
      let (rows, columns) = (dims[dims.count - 2], dims[dims.count - 1])
      dims.removeLast(2)
      return transposed ? (columns, rows, 1, columns) : (rows, columns, columns, 1)
    }
    let first = takeMatrix(&leftDims, transposed: multiply.transposeA && a.rank > 1)
    let second = takeMatrix(&rightDims, transposed: multiply.transposeB && b.rank > 1)
    try request.require(
      first.columns == second.rows, "\(first.columns) columns do not meet \(second.rows) rows")
    (self.rows, self.depth, self.columns) = (first.rows, first.columns, second.columns)
    (left, right) = ((first.row, first.column), (second.row, second.column))
    let rank = max(leftDims.count, rightDims.count)
    func batchStrides(_ dims: [Int], _ size: Int) -> [Int] {
      let strides = denseStrides(dims)
      let missing = rank - dims.count
      return (0..<rank).map { axis in
        axis < missing || dims[axis - missing] == 1 ? 0 : strides[axis - missing] * size
      }
    }
    let (rows, depth, columns) = (first.rows, first.columns, second.columns)
    let batchDims = try (0..<rank).map { axis in
      let x = axis < rank - leftDims.count ? 1 : leftDims[axis - (rank - leftDims.count)]
      let y = axis < rank - rightDims.count ? 1 : rightDims[axis - (rank - rightDims.count)]
      try request.require(x == y || x == 1 || y == 1, "the batches \(x) and \(y) do not broadcast")
      return x == 1 ? y : x
    }
    try request.requireResult(
      batchDims + (a.rank == 1 ? [] : [rows]) + (b.rank == 1 ? [] : [columns]))
    batches = Walk(
      batchDims,
      [
        denseStrides(batchDims).map { $0 * max(rows * columns, 1) }, batchStrides(leftDims, rows * depth),
        batchStrides(rightDims, depth * columns),
      ])
    count = result.elementCount
  }

  func run<Element: Number>(
    _ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>, _ result: UnsafeMutablePointer<Element>
  ) {
    batches.forEach { offset in
      for row in 0..<rows {
        let line = a + (offset[1] &+ row &* left.row)
        let target = result + (offset[0] &+ row &* columns)
        if right.column == 1 {
          addRows(line, b + offset[2], target)
        } else {
          for column in 0..<columns {
            let other = b + (offset[2] &+ column &* right.column)
            // Neighbours are a case of their own, since only they are loaded as vectors.
            target[column] =
              left.column == 1 ? dot(line, 1, other, depth) : dot(line, left.column, other, depth)
          }
        }
      }
    }
  }

  /// One row of the result as the sum of rows of b, four at a time.
  private func addRows<Element: Number>(
    _ line: UnsafePointer<Element>, _ matrix: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>
  ) {
    target.update(repeating: Element.zero, count: columns)
    var k = 0
    while k &+ 4 <= depth {
      let (w0, w1) = (line[k &* left.column], line[(k &+ 1) &* left.column])
      let (w2, w3) = (line[(k &+ 2) &* left.column], line[(k &+ 3) &* left.column])
      let r0 = matrix + k &* right.row
      let (r1, r2, r3) = (r0 + right.row, r0 + 2 &* right.row, r0 + 3 &* right.row)
      var column = 0
      while column < columns {
        let first = Element.sum(Element.product(w0, r0[column]), Element.product(w1, r1[column]))
        let second = Element.sum(Element.product(w2, r2[column]), Element.product(w3, r3[column]))
        target[column] = Element.sum(target[column], Element.sum(first, second))
        column &+= 1
      }
      k &+= 4
    }
    while k < depth {
      let (weight, row) = (line[k &* left.column], matrix + k &* right.row)
      var column = 0
      while column < columns {
        target[column] = Element.sum(target[column], Element.product(weight, row[column]))
        column &+= 1
      }
      k &+= 1
    }
  }
}

/// Σ a[i · step] · b[i], in eight sums: rounding errors grow less, and the adds overlap.
@inline(__always)
func dot<Element: Number>(
  _ a: UnsafePointer<Element>, _ step: Int, _ b: UnsafePointer<Element>, _ count: Int
) -> Element {
  @inline(__always) func term(_ index: Int) -> Element { Element.product(a[index &* step], b[index]) }
  let zero = Element.zero
  var (s0, s1, s2, s3) = (zero, zero, zero, zero)
  var (s4, s5, s6, s7) = (zero, zero, zero, zero)
  var index = 0
  while index &+ 8 <= count {
    s0 = Element.sum(s0, term(index))
    s1 = Element.sum(s1, term(index &+ 1))
    s2 = Element.sum(s2, term(index &+ 2))
    s3 = Element.sum(s3, term(index &+ 3))
    s4 = Element.sum(s4, term(index &+ 4))
    s5 = Element.sum(s5, term(index &+ 5))
    s6 = Element.sum(s6, term(index &+ 6))
    s7 = Element.sum(s7, term(index &+ 7))
    index &+= 8
  }
  while index < count {
    s0 = Element.sum(s0, term(index))
    index &+= 1
  }
  let first = Element.sum(Element.sum(s0, s1), Element.sum(s2, s3))
  return Element.sum(first, Element.sum(Element.sum(s4, s5), Element.sum(s6, s7)))
}
