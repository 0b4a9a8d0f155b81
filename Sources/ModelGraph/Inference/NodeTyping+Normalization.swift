import Tensors

extension NodeTyping {
  /// The result has the first operand's type; `axis` has to be one of its axes.
  func sameShape(axis: Int) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    if let rank = type.rank { _ = try normalized(axis, rank: rank) }
    return Fact(type)
  }

  func channels(_ type: ValueType, atLeast rank: Int) throws(GraphError) -> Dimension {
    guard let dimensions = type.dimensions else { return .unknown }
    guard dimensions.count >= rank else {
      throw failure("its input has \(dimensions.count) axes where \(rank) are the least")
    }
    return dimensions[1]
  }

  func checkPerChannel(_ indices: ClosedRange<Int>, _ names: [String], of channels: Dimension)
    throws(GraphError)
  {
    for (index, name) in zip(indices, names) { try checkVector(index, channels, name) }
  }
}
