import ModelGraph
import Tensors

extension OperatorImport {
  /// Operators of optionals. Where the file says that an optional is there, it is the value that it holds.
  static let optionalOperators: [String: OperatorImport] = [
    "Optional": OperatorImport(0...1, since: 15, takesComposites: true) { node in
      if !node.operands.isEmpty {
        node.ignore("type")
        return try node.emit(sameAs: 0)
      }
      try node.emit(composite: .absent)
      node.declare(try node.contentsAttribute("type"))
    },
    "OptionalHasElement": OperatorImport(0...1, since: 15, takesComposites: true) { node in
      if let id = node.optional(0), node.isSequence(id) { return try node.emit(.optionalPresence, [id]) }
      let isThere =
        switch node.composite(0) {
        case .sequence: true
        case .absent: false
        case nil: !node.operands.isEmpty
        }
      try node.emit(constant: try Tensor([isThere], shape: .scalar))
    },
    "OptionalGetElement": OperatorImport(1...1, since: 15, takesComposites: true) { node in
      if case .absent? = node.composite(0) {
        throw NodeImport.UnsupportedForm(reason: "of an optional that is absent")
      }
      guard let id = node.optional(0), node.isSequence(id) else { return try node.emit(sameAs: 0) }
      guard let contents = node.type(id)?.contents else {
        throw NodeImport.UnsupportedForm(reason: "of an optional whose type is not known")
      }
      try node.emit(contents.isOptional ? .sequenceAt : .optionalValue, [id])
    },
  ]
}

extension NodeImport {
  /// The contents of a sequence or an optional of the type that an attribute gives.
  fileprivate func contentsAttribute(_ name: String) throws -> SequenceContents? {
    guard let type = try typeAttribute(name) else { return nil }
    switch type.value {
    case .sequenceType(let sequence) where sequence.elemType.hasTensorType:
      return try graph.contents(sequence.elemType.tensorType, "the type of '\(shown(self.name))'", self.name)
    case .tensorType(let tensor):
      return try graph.contents(
        tensor, "the type of '\(shown(self.name))'", self.name, isOptional: true)
    default: throw UnsupportedForm(reason: "of another type than a tensor or a sequence of tensors")
    }
  }
}
