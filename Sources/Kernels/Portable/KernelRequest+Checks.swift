import Device
import ModelGraph
import Tensors

/// Accessors for the builders of programs. Each throws instead of trusting the request.
extension KernelRequest {
  func invalid(_ detail: String) -> DeviceError { DeviceError(.invalidArgument, detail, in: self) }

  func require(_ condition: Bool, _ detail: @autoclosure () -> String) throws {
    if !condition { throw invalid(detail()) }
  }

  /// The operand of this index, which must be there.
  func operand(_ index: Int) throws -> Operand {
    guard let operand = optionalOperand(index) else { throw invalid("operand \(index) is missing") }
    return operand
  }

  func optionalOperand(_ index: Int) -> Operand? { operands.indices.contains(index) ? operands[index] : nil }

  /// The result of this index, which must be used.
  func result(_ index: Int) throws -> ResultType {
    guard let result = optionalResult(index) else { throw invalid("result \(index) is missing") }
    return result
  }

  func optionalResult(_ index: Int) -> ResultType? { results.indices.contains(index) ? results[index] : nil }

  /// `axis`, which may count from the end, as an index into `rank` axes.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    guard axis >= -rank, axis < rank else { throw invalid("axis \(axis) of a tensor of rank \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  /// `values` as axes, each once and ascending.
  func axes(_ values: [Int], rank: Int) throws -> [Int] {
    let axes = Set(try values.map { try axis($0, rank: rank) })
    try require(axes.count == values.count, "an axis is named twice")
    return axes.sorted()
  }

  /// Checks the dimensions of a result.
  func requireResult(_ dims: [Int], at index: Int = 0) throws {
    let found = try result(index).shape.dims
    try require(found == dims, "result \(index) should have the shape \(dims), not \(found)")
  }

  /// Checks that operand and result have one element type.
  func requireSameType(_ operand: Int, result: Int = 0) throws {
    try require(
      try self.operand(operand).elementType == self.result(result).elementType,
      "operand \(operand) and result \(result) should have one element type")
  }

  /// The operand, when a result may overwrite it while others are still read: no other one can be the same value.
  func inPlace(_ index: Int) -> [Int] {
    let others = operands.indices.filter { other in
      other != index && operands[other]?.elementType == operands[index]?.elementType
        && operands[other]?.shape == operands[index]?.shape
    }
    return others.isEmpty ? [index] : []
  }

  /// Bytes of one element of a type that can be addressed; `nil` for those that share a byte.
  func elementSize(_ type: ElementType) -> Int? { type.bitWidth >= 8 ? type.bitWidth / 8 : nil }

  /// True if no result has elements: then the memory of operands and results may be missing, and the product of axes beside an empty
  /// one has no bound. ``PortableKernel`` does nothing in this case.
  var isEmpty: Bool { results.allSatisfy { $0 == nil || $0?.shape.elementCount == 0 } }

  /// The same request for another op, other operands of its own and other results: without post-ops.
  func with(op: Op? = nil, operands: [Operand?]? = nil, results: [ResultType?]? = nil) -> KernelRequest {
    KernelRequest(
      model: model, node: node, op: op ?? self.op, operands: operands ?? self.operands,
      results: results ?? self.results, threads: threads)
  }
}

extension Shape {
  /// The dimensions before `axis`, at it and after it, multiplied.
  func split(at axis: Int) -> (outer: Int, count: Int, inner: Int) {
    // No overflow: a shape bounds the product of its non-zero dimensions.
    (
      dims[..<axis].reduce(1, *), dims[axis], dims[(axis + 1)...].reduce(1, *)
    )
  }
}
