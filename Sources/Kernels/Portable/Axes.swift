import Device
import ModelGraph
import Tensors

extension KernelRequest {
  /// The axes that operand `index` names, each once and ascending.
  func axes(_ values: [Int], rank: Int) throws -> [Int] {
    let axes = Set(try values.map { try axis($0, rank: rank) })
    try require(axes.count == values.count, "an axis is named twice")
    return axes.sorted()
  }
}
