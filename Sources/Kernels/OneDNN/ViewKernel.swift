import Device
import ModelGraph
import Tensors

/// An operator that gives the same bytes another shape, where they may lie in one of the library's own layouts.
protocol LibraryView: ComposedOperator {}

extension LibraryView {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.view(request)
  }
}

extension Reshape: LibraryView {}
extension Flatten: LibraryView {}
extension Squeeze: LibraryView {}
extension Unsqueeze: LibraryView {}

extension OneDNNEngine {
  /// A reshape of a tensor in one of the library's own layouts that sees the tensor in the new shape already: a column
  /// that was convolved as a row, say. `nil` for others, which are made plain.
  fileprivate func view(_ request: KernelRequest) throws -> (any Kernel)? {
    guard let x = request.ownOperand(0), x.layout != .plain, request.postOps.isEmpty,
      let result = request.optionalResult(0), result.elementType == x.elementType,
      result.shape.elementCount == x.shape.elementCount
    else { return nil }
    let stored = try StoredLayout(x.layout, of: x.elementType, x.shape)
    guard stored.dims == result.shape.dims, stored.sourceStrides == nil else { return nil }
    return ViewKernel(request, x.layout, byteCount: try stored.descriptor().byteCount)
  }
}

/// Gives the same bytes another shape.
private final class ViewKernel: Kernel {
  let implementation = "view"
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let inPlaceOperands = [0]
  let aliasedOperand: Int? = 0
  let usesThreads = false
  private let byteCount: Int

  init(_ request: KernelRequest, _ layout: Layout, byteCount: Int) {
    operandLayouts = request.operands.indices.map { $0 == 0 ? layout : .plain }
    resultLayouts = [layout]
    self.byteCount = byteCount
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    guard let source = call.operands[0], let target = call.results[0], source != target else { return }
    let host = try HostMemory.of(memory)
    try host.pointer(target).copyMemory(from: host.pointer(source), byteCount: byteCount)
  }
}
