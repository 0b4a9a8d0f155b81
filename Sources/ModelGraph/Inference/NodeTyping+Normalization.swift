import Tensors

extension NodeTyping {
  /// The result has the first operand's type; `axis` has to be one of its axes.
  func sameShape(axis: Int) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    if let rank = type.rank { _ = try normalized(axis, rank: rank) }
    return Fact(type)
  }

  func batchNormalization() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    try checkPerChannel(1...4, ["scale", "bias", "mean", "variance"], of: try channels(type, atLeast: 2))
    return Fact(type)
  }

  func instanceNormalization() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    try checkPerChannel(1...2, ["scale", "bias"], of: try channels(type, atLeast: 3))
    return Fact(type)
  }

  func groupNormalization(groups: Int) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    let channels = try channels(type, atLeast: 3)
    guard groups > 0 else { throw failure("it has \(groups) groups") }
    if let count = channels.size, count % groups != 0 {
      throw failure("\(count) channels cannot be split into \(groups) groups")
    }
    try checkPerChannel(1...2, ["scale", "bias"], of: channels)
    return Fact(type)
  }

  func layerNormalization(axis: Int) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    guard let dimensions = type.dimensions else { return Fact(type) }
    let axis = try normalized(axis, rank: dimensions.count)
    let tail = Array(dimensions[axis...])
    try checkBroadcast(self.dimensions(1), to: tail, "its scale")
    try checkBroadcast(self.dimensions(2), to: tail, "its bias")
    return Fact(type)
  }

  func localResponseNormalization(_ response: LocalResponse) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    _ = try channels(type, atLeast: 3)
    guard response.size > 0 else { throw failure("its window is of \(response.size) channels") }
    return Fact(type)
  }

  private func channels(_ type: ValueType, atLeast rank: Int) throws(GraphError) -> Dimension {
    guard let dimensions = type.dimensions else { return .unknown }
    guard dimensions.count >= rank else {
      throw failure("its input has \(dimensions.count) axes where \(rank) are the least")
    }
    return dimensions[1]
  }

  private func checkPerChannel(_ indices: ClosedRange<Int>, _ names: [String], of channels: Dimension)
    throws(GraphError)
  {
    for (index, name) in zip(indices, names) { try checkVector(index, channels, name) }
  }
}
