import ModelGraph
import Tensors

extension OperatorImport {
  /// `LabelEncoder`. Keys and values are lists of one type or, since version 4, tensors; in version 1, a list of texts is
  /// read in the direction that the operand's type says.
  static func labelEncoder(_ node: NodeImport) throws {
    guard node.opset >= 2 else {
      guard let classes = try node.textBytes("classes_strings") else {
        throw node.malformed("lacks its classes")
      }
      return try node.emitCategories(classes, Array(classes.indices))
    }
    guard let keys = try node.list("keys"), let values = try node.list("values") else {
      throw node.malformed("lacks its keys or its values")
    }
    try node.check(values.shape.elementCount, "values", keys.shape.elementCount)
    guard values.elementType.bitWidth >= 8 else {
      throw NodeImport.UnsupportedForm(reason: "values of type \(values.elementType)")
    }
    try node.emitLookup(keys, values, otherwise: try node.encoderDefault(values.elementType))
  }

  /// `CategoryMapper`: integers to texts or texts to integers, as the operand's type says.
  static func categoryMapper(_ node: NodeImport) throws {
    guard let texts = try node.textBytes("cats_strings"), let integers = try node.integers("cats_int64s")
    else {
      throw node.malformed("lacks its categories")
    }
    try node.check(integers.count, "cats_int64s", texts.count)
    try node.emitCategories(texts, integers)
  }
}

extension NodeImport {
  /// Makes the node of a list of texts and one of integers: the text at the place of each integer, or the reverse.
  fileprivate func emitCategories(_ texts: [[UInt8]], _ integers: [Int]) throws {
    guard let type = elementType(try operand(0)) else { throw Self.unknownFeatures }
    let shape = try Shape(checking: [texts.count])
    let (names, numbers) = (
      try Tensor(bytesOf: texts, shape: shape), try Tensor(integers.map { Int64($0) }, shape: shape)
    )
    let (toText, toNumber) = (try encoderDefault(.string), try encoderDefault(.int64))
    if type == .string { return try emitLookup(names, numbers, otherwise: toNumber) }
    try emitLookup(numbers, names, otherwise: toText)
  }

  /// Makes the node that gives the value of each element's key.
  fileprivate func emitLookup(_ keys: Tensor, _ values: Tensor, otherwise defaults: Tensor) throws {
    let x = try operand(0)
    if let texts = keys.stringBytes {
      if let type = elementType(x), type != .string {
        throw malformed("has texts as keys of its operand, \(type)")
      }
      let vocabulary = Vocabulary(texts)
      // Of equal keys the last counts.
      var places = [Int](repeating: 0, count: vocabulary.list.count)
      for (place, index) in vocabulary.indices.enumerated() { places[index] = place }
      let table = try values.picking(places, then: defaults)
      let index = intermediate(.stringIndex(vocabulary.list), [x], "index")
      return try emit(.gather(axis: 0), [graph.constant(table, named: "\(name)/values"), index])
    }
    if elementType(x) == .string { throw malformed("has keys of another type than its operand, string") }
    let order: [Int]
    let sorted: Tensor
    if let integers = keys.integers {
      order = ascending(integers) { $0 < $1 }
      sorted = try Tensor(order.map { Int64(integers[$0]) }, shape: Shape(checking: [order.count]))
    } else {
      // −0 is 0, and NaN, which is the last, equals itself here.
      let reals = try reals(keys, "keys").map { $0.isNaN ? Double.nan : $0 + 0 }
      order = ascending(reals) { $0.isTotallyOrdered(belowOrEqualTo: $1) && $0.bitPattern != $1.bitPattern }
      sorted = try Tensor(order.map { reals[$0] }, shape: Shape(checking: [order.count]))
    }
    if let type = elementType(x), Lookup.keyType(type) != sorted.elementType {
      throw malformed("has keys of another type than its operand, \(type)")
    }
    let table = try values.picking(order, then: defaults)
    try emit(
      .lookup,
      [x, graph.constant(sorted, named: "\(name)/keys"), graph.constant(table, named: "\(name)/values")])
  }

  /// The indices of the elements in their order. Of equal ones the last, which counts.
  private func ascending<Element>(_ elements: [Element], _ isLess: (Element, Element) -> Bool) -> [Int] {
    let order = elements.indices.sorted { a, b in
      isLess(elements[a], elements[b]) || !isLess(elements[b], elements[a]) && a < b
    }
    return order.indices.filter { place in
      place + 1 == order.count || isLess(elements[order[place]], elements[order[place + 1]])
    }.map { order[$0] }
  }
}

extension NodeImport {
  /// The list `role`_strings, `role`_floats or `role`_int64s, or the tensor `role`_tensor.
  fileprivate func list(_ role: String) throws -> Tensor? {
    var found: [Tensor] = []
    if let texts = try textBytes("\(role)_strings") {
      found.append(try Tensor(bytesOf: texts, shape: Shape(checking: [texts.count])))
    }
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

  /// The value of what is no key: −1, −0 for real values, or `_Unused`, unless the node gives another.
  fileprivate func encoderDefault(_ type: ElementType) throws -> Tensor {
    let (float, integer) = (
      try attributeFloat("default_float") ?? -0.0, try integer("default_int64", default: -1)
    )
    let text = try bytes("default_string") ?? Array("_Unused".utf8)
    if let tensor = try tensor(attribute: "default_tensor") {
      guard tensor.elementType == type, tensor.shape.elementCount == 1 else {
        throw malformed("has a default \(tensor) for values of type \(type)")
      }
      return tensor
    }
    switch type {
    case .string: return try Tensor(bytesOf: [text], shape: [1])
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
    if let texts = stringBytes, let end = last.stringBytes {
      return try Tensor(bytesOf: indices.map { texts[$0] } + end, shape: Shape(checking: [indices.count + 1]))
    }
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
