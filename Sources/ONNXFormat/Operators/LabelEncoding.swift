import ModelGraph
import Tensors

extension OperatorImport {
  /// `LabelEncoder` from numbers to numbers. Keys and values are lists of one type or, since version 4, tensors.
  static func labelEncoder(_ node: NodeImport) throws {
    let lists = ["keys_strings", "values_strings", "classes_strings"]
    guard try lists.allSatisfy({ try node.texts($0)?.isEmpty ?? true }), node.opset >= 2 else {
      throw NodeImport.UnsupportedForm(reason: "strings")
    }
    node.ignore("default_string")
    guard let keys = try node.list("keys"), let values = try node.list("values") else {
      throw node.malformed("lacks its keys or its values")
    }
    try node.check(values.shape.elementCount, "values", keys.shape.elementCount)
    guard values.elementType.bitWidth >= 8 else {
      throw NodeImport.UnsupportedForm(reason: "values of type \(values.elementType)")
    }
    let defaults = try node.encoderDefault(values.elementType)
    let x = try node.operand(0)
    let order: [Int]
    let sorted: Tensor
    if let integers = keys.integers {
      order = ascending(integers) { $0 < $1 }
      sorted = try Tensor(order.map { Int64(integers[$0]) }, shape: Shape(checking: [order.count]))
    } else {
      // −0 is 0, and NaN, which is the last, equals itself here.
      let reals = try node.reals(keys, "keys").map { $0.isNaN ? Double.nan : $0 + 0 }
      order = ascending(reals) { $0.isTotallyOrdered(belowOrEqualTo: $1) && $0.bitPattern != $1.bitPattern }
      sorted = try Tensor(order.map { reals[$0] }, shape: Shape(checking: [order.count]))
    }
    if let type = node.elementType(x), Lookup.keyType(type) != sorted.elementType {
      throw node.malformed("has keys of another type than its operand, \(type)")
    }
    let table = try values.picking(order, then: defaults)
    try node.emit(
      .lookup,
      [
        x, node.graph.constant(sorted, named: "\(node.name)/keys"),
        node.graph.constant(table, named: "\(node.name)/values"),
      ])
  }

  /// The indices of the elements in their order. Of equal ones the last, which counts.
  private static func ascending<Element>(_ elements: [Element], _ isLess: (Element, Element) -> Bool) -> [Int]
  {
    let order = elements.indices.sorted { a, b in
      isLess(elements[a], elements[b]) || !isLess(elements[b], elements[a]) && a < b
    }
    return order.indices.filter { place in
      place + 1 == order.count || isLess(elements[order[place]], elements[order[place + 1]])
    }.map { order[$0] }
  }
}

extension NodeImport {
  /// The list `role`_floats or `role`_int64s, or the tensor `role`_tensor.
  fileprivate func list(_ role: String) throws -> Tensor? {
    var found: [Tensor] = []
    if let floats = try floats("\(role)_floats"), !floats.isEmpty {
      found.append(try Tensor(floats, shape: Shape(checking: [floats.count])))
    }
    if let integers = try integers("\(role)_int64s"), !integers.isEmpty {
      found.append(try Tensor(integers.map { Int64($0) }, shape: Shape(checking: [integers.count])))
    }
    if let tensor = try tensor(attribute: "\(role)_tensor") { found.append(tensor) }
    guard found.count <= 1 else { throw malformed("has two lists of \(role)") }
    return found.first
  }

  /// The value of what is no key: −1, or −0 for real values, unless the node gives another.
  fileprivate func encoderDefault(_ type: ElementType) throws -> Tensor {
    let (float, integer) = (
      try attributeFloat("default_float") ?? -0.0, try integer("default_int64", default: -1)
    )
    if let tensor = try tensor(attribute: "default_tensor") {
      guard tensor.elementType == type, tensor.shape.elementCount == 1 else {
        throw malformed("has a default \(tensor) for values of type \(type)")
      }
      return tensor
    }
    switch type {
    case .float32: return try Tensor([float], shape: [1])
    case .float64: return try Tensor([Double(float)], shape: [1])
    case .int64: return try Tensor([Int64(integer)], shape: [1])
    case .int32: return try Tensor([Int32(clamping: integer)], shape: [1])
    case .int16: return try Tensor([Int16(clamping: integer)], shape: [1])
    default: throw UnsupportedForm(reason: "values of type \(type)")
    }
  }
}

extension Tensor {
  /// The elements at these indices, and behind them that of `last`.
  fileprivate func picking(_ indices: [Int], then last: Tensor) throws -> Tensor {
    let size = elementType.bitWidth / 8
    return try Tensor(elementType: elementType, shape: Shape(checking: [indices.count + 1])) { memory in
      withUnsafeBytes { bytes in
        for (place, index) in indices.enumerated() {
          UnsafeMutableRawBufferPointer(rebasing: memory[place * size..<(place + 1) * size])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size]))
        }
      }
      last.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: memory[(indices.count * size)...]).copyMemory(from: bytes)
      }
    }
  }
}
