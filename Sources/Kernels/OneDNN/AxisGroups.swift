import Tensors

/// Neighbouring axes that a primitive sees as one: fewer axes have better implementations.
struct AxisGroups {
  /// Ranges of axes, in order, that together are all of them.
  var groups: [Range<Int>]

  /// Every axis for itself.
  static func separate(_ rank: Int) -> AxisGroups { AxisGroups(groups: (0..<rank).map { $0..<$0 + 1 }) }

  /// The dims of the groups.
  func merge(_ dims: [Int]) -> [Int] { groups.map { dims[$0].reduce(1, *) } }

  /// The dims of an operand that broadcasts to `dims`; `nil` when it broadcasts along a part of a group.
  func merge(_ operand: [Int], broadcastTo dims: [Int]) -> [Int]? {
    var merged: [Int] = []
    for group in groups {
      let (part, whole) = (operand[group], dims[group])
      if part.allSatisfy({ $0 == 1 }) {
        merged.append(1)
      } else if part.elementsEqual(whole) {
        merged.append(whole.reduce(1, *))
      } else {
        return nil
      }
    }
    return merged
  }

  /// The largest groups along which each of `operands`, all of the rank of `dims`, broadcasts wholly or not at all.
  static func largest(_ dims: [Int], broadcasting operands: [[Int]]) -> AxisGroups {
    func pattern(_ axis: Int) -> [Bool] { operands.map { $0[axis] == dims[axis] } }
    var groups: [Range<Int>] = []
    var last: [Bool] = []
    for axis in dims.indices {
      if let group = groups.last,
        dims[axis] == 1 || dims[group].allSatisfy({ $0 == 1 }) || pattern(axis) == last
      {
        groups[groups.count - 1] = group.lowerBound..<axis + 1
        if dims[axis] != 1 { last = pattern(axis) }
      } else {
        groups.append(axis..<axis + 1)
        last = pattern(axis)
      }
    }
    return AxisGroups(groups: groups)
  }
}
