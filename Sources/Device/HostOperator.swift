import ModelGraph
import Tensors

/// An operator that is computed on the host, between two plans of a model, because the sizes of its results depend on
/// the elements of its operands.
package protocol HostOperator: Operator {
  /// Counts the elements of the results.
  /// - Parameter operands: the elements of the operands, as the graph types them; `nil` for one that is left out.
  /// - Throws: ``DeviceError`` if the elements are invalid for the operator.
  func count(_ operands: [Tensor?]) throws -> CountedResults
}

/// The results of a node whose sizes are known by now, before memory for them is allocated.
package struct CountedResults {
  /// The type of each result.
  package var types: [KernelRequest.ResultType]
  /// Bytes that sequences among the results take beside those of their types, and that are not counted with the operands.
  package let held: Int
  /// The most bytes of texts that the results have, beside handles.
  package let textBytes: Int
  private let make: () throws -> [Tensor]

  /// - Parameter make: makes the results; of these types.
  package init(
    _ types: [KernelRequest.ResultType], held: Int = 0, textBytes: Int = 0,
    make: @escaping () throws -> [Tensor]
  ) {
    self.types = types
    self.held = held
    self.textBytes = textBytes
    self.make = make
  }

  /// Makes the results.
  package func tensors() throws -> [Tensor] { try make() }
}

extension Op {
  /// The operator if the host computes it.
  package var onHost: (any HostOperator)? { base as? any HostOperator }
}

/// `https://onnx.ai/onnx/operators/onnx__NonZero.html`
extension NonZero: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    guard let x = operands.first ?? nil else {
      throw DeviceError(.invalidArgument, "NonZero lacks its operand")
    }
    let count = x.withUnsafeBytes { countNonZero($0, x.elementType) }
    let shape = try Shape(checking: [max(x.shape.rank, 1), count])
    return CountedResults([KernelRequest.ResultType(.int64, shape)]) {
      [
        try Tensor(elementType: .int64, shape: shape) { bytes in
          x.withUnsafeBytes { elements in
            _ = writeNonZero(
              elements, x.elementType, x.shape, to: bytes.bindMemory(to: Int64.self), columns: count)
          }
        }
      ]
    }
  }
}
