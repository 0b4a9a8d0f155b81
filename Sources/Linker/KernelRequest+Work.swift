import Device
import ModelGraph
import Tensors

extension KernelRequest {
  /// About how long the kernel takes on one thread: its arithmetic, or what it moves, at the rates of one core of a
  /// small machine (100 GFLOP/s, 10 GB/s). It only has to tell large kernels from small ones.
  package var estimatedMicroseconds: Double {
    max(op.base.multiplyAdds(sizes) / multiplyAddsPerMicrosecond, bytesMoved / 10_000)
  }

  /// The same for each of the parts that wait for the one before, on average.
  package var estimatedMicrosecondsPerTurn: Double {
    let turns = op.base.turns(sizes)
    return turns > 1 ? estimatedMicroseconds / turns : estimatedMicroseconds
  }

  /// Four bytes fit where one float does.
  private var multiplyAddsPerMicrosecond: Double {
    let factors = ownOperands.prefix(2).compactMap { $0?.elementType }
    return factors.count == 2 && factors.allSatisfy { $0 == .int8 || $0 == .uint8 } ? 200_000 : 50_000
  }

  private var sizes: NodeSizes {
    NodeSizes(operands: ownOperands.map { $0?.shape }, results: results.map { $0?.shape })
  }

  private var bytesMoved: Double {
    let read = operands.reduce(0.0) { $0 + bytes($1?.elementType, $1?.shape) }
    return results.reduce(read) { $0 + bytes($1?.elementType, $1?.shape) }
  }

  private func bytes(_ elementType: ElementType?, _ shape: Shape?) -> Double {
    Double(elementType?.byteCount(of: shape?.elementCount ?? 0) ?? 0)
  }
}
