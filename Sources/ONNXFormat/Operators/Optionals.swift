import ModelGraph
import Tensors

extension OperatorImport {
  /// Operators of optionals. The file says which of them are there: an optional that is there is the value that it holds.
  static let optionalOperators: [String: OperatorImport] = [
    "Optional": OperatorImport(0...1, since: 15, takesComposites: true) { node in
      node.ignore("type")
      if node.operands.isEmpty { return try node.emit(composite: .absent) }
      try node.emit(sameAs: 0)
    },
    "OptionalHasElement": OperatorImport(0...1, since: 15, takesComposites: true) { node in
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
      try node.emit(sameAs: 0)
    },
  ]
}
