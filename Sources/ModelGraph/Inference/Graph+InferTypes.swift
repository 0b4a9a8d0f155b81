import Tensors

extension Graph {
  /// Conditionals inside of conditionals that inference follows.
  static let maximumDepth = 32

  /// Infers the type of every value, and the elements of small ones that follow from shapes and constants.
  ///
  /// The rules are those of `https://onnx.ai/onnx/operators/`. Uncertain types and sizes are left open. A
  /// conditional with an unknown condition gets the types on which both branches agree.
  /// - Parameters:
  ///   - inputs: types in place of the declared ones of ``inputs``, in order; `nil` keeps those.
  ///   - known: inputs whose elements are known.
  /// - Throws: ``GraphError`` for certain errors: operands that cannot fit together, an axis that does not
  ///   exist, a result too large to address.
  public func inferTypes(inputs types: [ValueType]? = nil, known: [ValueID: Tensor] = [:])
    throws(GraphError) -> Inference
  {
    if let types, types.count != inputs.count {
      throw GraphError(
        .verification(graph: name, detail: "\(types.count) types were given for \(inputs.count) inputs"))
    }
    var arguments: [Fact?] = []
    for (position, id) in inputs.enumerated() {
      try check(id)
      if let tensor = known[id] {
        arguments.append(Fact(tensor))
      } else {
        let declared = values[id.index].type
        var type = types?[position] ?? declared
        // The types of a request's values do not say what is in a sequence.
        if type?.elementType == .sequence, type?.contents == nil { type?.contents = declared?.contents }
        if let type { try checkSizes(type, of: values[id.index].name) }
        arguments.append(type.map { Fact($0) })
      }
    }
    let facts = try inferFacts(arguments, depth: 0)
    return inference(from: facts)
  }

  /// Infers the types in a branch that may never be taken, so that sizes which contradict each other are no error: then
  /// element types alone are inferred, and nothing where even these contradict each other.
  /// - Parameter types: types in place of the declared ones of ``inputs``, in order; `nil` keeps those.
  package func inferBranchTypes(inputs types: [ValueType?]? = nil) -> Inference {
    let declared = inputs.enumerated().map { position, id -> ValueType? in
      if let types, types.indices.contains(position), let type = types[position] { return type }
      return values.indices.contains(id.index) ? values[id.index].type : nil
    }
    let open = declared.map { $0?.open }
    for arguments in [declared, open] {
      if let facts = try? inferFacts(arguments.map { $0.map { Fact($0) } }, depth: 0) {
        return inference(from: facts)
      }
    }
    return Inference(types: values.map { _ in nil }, contents: [:])
  }

  /// Returns the facts of every value, by index, given the facts of the inputs.
  func inferFacts(_ arguments: [Fact?], depth: Int) throws(GraphError) -> [Fact?] {
    guard depth <= Self.maximumDepth else {
      throw GraphError(
        .verification(graph: name, detail: "more than \(Self.maximumDepth) conditionals are nested"))
    }
    var typing = IncrementalInference(depth: depth, capacity: values.count)
    for (id, fact) in zip(inputs, arguments) {
      try check(id)
      typing.set(id, fact)
    }
    for (id, constant) in constants {
      try check(id)
      typing.set(id, constant.tensor.map { Fact($0) } ?? Fact(constant.type))
    }
    for node in nodes { try typing.append(node, of: self) }
    return typing.facts
  }

  private func inference(from facts: [Fact?]) -> Inference {
    var contents: [ValueID: [Dimension]] = [:]
    var reals: [ValueID: [Double?]] = [:]
    for (index, fact) in facts.enumerated() {
      guard let fact else { continue }
      if let integers = fact.constantIntegers {
        contents[ValueID(index)] = integers.map { .known($0) }
      } else if let elements = fact.computedElements {
        if fact.type.elementType.isFloatingPoint {
          reals[ValueID(index)] = elements.map(\.number)
        } else {
          contents[ValueID(index)] = elements.map(\.dimension)
        }
      }
    }
    return Inference(types: facts.map { $0?.type }, contents: contents, reals: reals)
  }

  func check(_ id: ValueID) throws(GraphError) {
    guard values.indices.contains(id.index) else {
      throw GraphError(
        .verification(graph: name, detail: "value \(id.index) is named, but there are only \(values.count)"))
    }
  }

  /// Refuses sizes that nothing could be computed with.
  func checkSizes(_ type: ValueType, of value: String) throws(GraphError) {
    guard let dimensions = type.dimensions else { return }
    // Open dimensions are at least 0 and count as 1 here, so that what is known is checked alone.
    do { _ = try Shape(checking: dimensions.map { $0.size ?? 1 }) } catch {
      throw GraphError(.verification(graph: name, detail: "the type of '\(value)': \(error)"))
    }
  }
}
