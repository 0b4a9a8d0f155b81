import ModelGraph
import Tensors

/// A failure on a device, with the node and the shapes it concerns.
public struct DeviceError: Error, Sendable, CustomStringConvertible {
  /// The kind of failure: a small closed set, usable as a metric label.
  public enum Kind: String, Sendable, Hashable, Codable {
    case unsupported, kernelLibrary, invalidArgument, memory, load, damaged
    /// A tensor's contents are invalid for the op: for example an index beyond its axis, or an axis that does
    /// not exist.
    case invalidData
  }

  public let kind: Kind
  private let detail: String

  /// - Parameter detail: what happened, with names and numbers, and what the user can do.
  public init(_ kind: Kind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }

  /// The same with the request's model, node, op and shapes in front.
  public init(_ kind: Kind, _ detail: String, in request: KernelRequest) {
    let operands = request.operands.map { operand in
      operand.map { "\($0.elementType)\($0.shape)" } ?? "absent"
    }
    let results = request.results.map { result in
      result.map { "\($0.elementType)\($0.shape)" } ?? "unused"
    }
    self.init(
      kind,
      "model '\(request.model)', node '\(request.node)' (\(request.op.name)): "
        + "\(operands.joined(separator: ", ")) -> \(results.joined(separator: ", ")): \(detail)")
  }

  /// The same failure of a node that the host computes, with the node and the shapes in front.
  package func of(node: String, _ op: Op, model: String, operands: [Tensor?]) -> DeviceError {
    let shapes = operands.map { $0.map { "\($0.elementType)\($0.shape)" } ?? "absent" }
    return DeviceError(
      kind, "model '\(model)', node '\(node)' (\(op.name)): \(shapes.joined(separator: ", ")): \(detail)")
  }

  /// The same failure, as one of another kind.
  package func of(_ kind: Kind) -> DeviceError { DeviceError(kind, detail) }

  public var description: String { detail }
}
