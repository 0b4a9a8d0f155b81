import CElements
import Device
import ModelGraph
import Tensors

extension SmallProduct: PortableOperator, ComposedOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    SmallMatrix.suits(request) ? try computation(request).program : nil
  }

  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    guard SmallMatrix.suits(request), !request.isEmpty else { return nil }
    let own = request.keeping(postOps: 0)
    return try engine.chain(SmallWeightsKernel(own, computation(own)), of: request)
  }

  /// The product of all rows of a.
  private func computation(_ request: KernelRequest) throws -> SmallComputation {
    let matrix = try SmallMatrix(request, columns: columns, block: block)
    let a = try request.operand(0)
    try request.require(
      a.elementType == .float32 && a.shape.dims.last == matrix.depth,
      "\(a.shape.dims) does not meet \(matrix.depth) rows")
    try request.requireResult(a.shape.dims.dropLast() + [columns])
    try request.require(try request.result(0).elementType == .float32, "the result is not float32")
    let rows = a.shape.elementCount / matrix.depth
    let instructions = SmallMatrix.instructions
    return SmallComputation(
      name: "small weights", scratchBytes: { Int(fi_small_product_scratch(Int32(clamping: $0))) }
    ) { frame, threads in
      var product = fi_small_product(
        matrix: try matrix.raw(frame), rows: Int64(rows), left: try frame.operand(0, as: Float.self),
        bias: frame.optional(3, as: Float.self), result: try frame.result(0, as: Float.self))
      let scratch = try frame.scratch(as: UInt8.self)
      if rows > 0 { fi_small_product_run(&product, scratch, instructions, Int32(clamping: threads)) }
    }
  }
}
