import Device
import ModelGraph

/// An operator that oneDNN has a primitive for. Each conforms in the file of its draft.
protocol OneDNNOperator: Operator {
  /// Returns the primitive for the request's op, layouts still open, or `nil` if oneDNN has none.
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft?
}

/// An operator whose kernel may be something else than its primitive. Each conforms in the file of that kernel.
protocol ComposedOperator: Operator {
  /// Returns the kernel for the whole request, or `nil` if there is none.
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)?
}

extension OneDNNEngine {
  /// The primitive for the request's op, layouts still open; `nil` when oneDNN has none.
  func draft(_ request: KernelRequest) throws -> PrimitiveDraft? {
    try (request.op.base as? any OneDNNOperator)?.draft(request, on: self)
  }
}
