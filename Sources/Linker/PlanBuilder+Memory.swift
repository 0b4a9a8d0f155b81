import Device
import ModelGraph
import Tensors

/// Results that lie in the memory of operands.
extension PlanBuilder {
  /// Makes the result a view of the operand. False when the operand is no memory or would need a reorder first.
  mutating func addAlias(
    _ node: Node, _ kernel: any Kernel, alias: Int, _ request: KernelRequest
  ) throws -> Bool {
    guard let source = node.operands[alias], let output = node.outputs.first ?? nil,
      let operand = request.operands[alias], let result = request.results[0]
    else { return false }
    if let tensor = operand.immediate {
      graph.constants[output] = .tensor(try tensor.reshaped(to: result.shape))
      consume(node)
      return true
    }
    var place = try place(of: source, in: kernel.operandLayouts[alias], for: node, operand)
    place.layout = kernel.resultLayouts[0]
    places[output] = place
    if case .value(let value) = place.home { blocks.addReaders(readers[output] ?? 0, to: value) }
    consume(node)
    return true
  }

  /// Makes the result the operands side by side. False when they cannot lie so, and the kernel has to copy them.
  mutating func addJoined(
    _ node: Node, _ kernel: any Kernel, _ sources: [Place.Home?], _ request: KernelRequest
  ) throws -> Bool {
    guard sharesBytes, let offsets = kernel.partOffsets, offsets.count == sources.count,
      let output = node.outputs.first ?? nil,
      let result = request.results[0]
    else { return false }
    var parts: [(value: Int, offset: Int)] = []
    for (source, offset) in zip(sources, offsets) {
      guard case .value(let value)? = source else { return false }
      parts.append((value, offset))
    }
    let layout = kernel.resultLayouts[0]
    let bytes = try device.byteCount(of: result.elementType, result.shape, in: layout)
    guard
      let value = blocks.join(parts, byteCount: bytes, readers: readers[output] ?? 0, at: drafts.count)
    else { return false }
    places[output] = Place(home: .value(value), layout: layout)
    hasSharedBytes = true
    consume(node)
    return true
  }

  /// Makes the results ranges of the first operand's bytes. False when they cannot be, and the kernel has to copy them.
  mutating func addParts(
    _ node: Node, _ kernel: any Kernel, _ sources: [Place.Home?], _ request: KernelRequest
  ) throws -> Bool {
    guard sharesBytes, let offsets = kernel.resultOffsets, offsets.count == node.outputs.count,
      case .value(let whole)?? = sources.first
    else { return false }
    var parts: [(output: ValueID, layout: Layout, offset: Int, bytes: Int)] = []
    for (index, output) in node.outputs.enumerated() {
      guard let output, let result = request.results[index] else { continue }
      let layout = kernel.resultLayouts[index]
      let bytes = try device.byteCount(of: result.elementType, result.shape, in: layout)
      guard blocks.isPart(of: whole, at: offsets[index], bytes) else { return false }
      parts.append((output, layout, offsets[index], bytes))
    }
    for part in parts {
      guard
        let value = blocks.part(of: whole, at: part.offset, part.bytes, readers: readers[part.output] ?? 0)
      else { return false }
      places[part.output] = Place(home: .value(value), layout: part.layout)
    }
    hasSharedBytes = true
    consume(node)
    return true
  }

  /// The value that the first result becomes in an operand's bytes, when the kernel can work so and nobody reads these
  /// after this node, nor twice in it.
  mutating func replaced(
    _ kernel: any Kernel, _ sources: [Place.Home?], node: Node, bytes: Int, readers: Int
  ) -> Int? {
    let ids = node.operands
    for index in kernel.inPlaceOperands where sources.indices.contains(index) {
      guard case .value(let operand)? = sources[index], let id = ids[index],
        sources.count(where: { $0 == sources[index] }) == 1, places[id]?.home == .value(operand),
        let value = blocks.replace(operand, byteCount: bytes, readers: readers)
      else { continue }
      return value
    }
    return nil
  }

  /// The node has read its operands: they have that many readers less.
  mutating func consume(_ node: Node) {
    for case let id? in node.operands {
      if case .value(let value)? = places[id]?.home { blocks.addReaders(-1, to: value) }
    }
  }
}
