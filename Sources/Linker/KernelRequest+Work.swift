import Device
import ModelGraph
import Tensors

extension KernelRequest {
  /// About how long the kernel takes on one thread: its arithmetic, or what it moves, at the rates of one core of a
  /// small machine (100 GFLOP/s, 10 GB/s). It only has to tell large kernels from small ones.
  package var estimatedMicroseconds: Double {
    max(multiplyAdds / 50_000, bytesMoved / 10_000)
  }

  private var multiplyAdds: Double {
    let (x, w, made) = (elements(operand(0)), elements(operand(1)), elements(result))
    switch op {
    case .convolution: return made * w / axis(1, of: result)
    case .deconvolution: return x * w / axis(1, of: operand(0))
    case .matrixMultiply(let op):
      let rank = operand(0)?.rank ?? 1
      return made * axis(op.transposeA ? rank - 2 : rank - 1, of: operand(0))
    case .lstm, .gru:
      let steps = x / axis((operand(0)?.rank ?? 1) - 1, of: operand(0))
      return steps * (w + elements(operand(2)))
    default: return 0
    }
  }

  private var bytesMoved: Double {
    let read = operands.reduce(0.0) { $0 + bytes($1?.elementType, $1?.shape) }
    return results.reduce(read) { $0 + bytes($1?.elementType, $1?.shape) }
  }

  private func bytes(_ elementType: ElementType?, _ shape: Shape?) -> Double {
    Double(elementType?.byteCount(of: shape?.elementCount ?? 0) ?? 0)
  }

  private func operand(_ index: Int) -> Shape? {
    operands.indices.contains(index) ? operands[index]?.shape : nil
  }
  private var result: Shape? { results.first??.shape }
  private func elements(_ shape: Shape?) -> Double { Double(shape?.elementCount ?? 0) }

  private func axis(_ axis: Int, of shape: Shape?) -> Double {
    guard let shape, shape.dims.indices.contains(axis) else { return 1 }
    return Double(max(shape.dims[axis], 1))
  }
}
