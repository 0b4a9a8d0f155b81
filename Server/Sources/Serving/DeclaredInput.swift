import InferenceProtocol
import Linker
import ModelGraph
import Tensors

/// An input as a model or a pipeline declares it.
package struct DeclaredInput: Sendable {
  /// An input that is a sequence or an optional.
  package struct List: Sendable {
    /// The known type of the tensors in it.
    package var contents: SequenceContents?
    /// True if a request may leave it out.
    package var mayBeAbsent: Bool

    package init(contents: SequenceContents?, mayBeAbsent: Bool) {
      self.contents = contents
      self.mayBeAbsent = mayBeAbsent
    }
  }

  var name: String
  /// `nil` for a tensor.
  var list: List?
}

extension LinkableModel {
  /// The inputs in the model's order.
  var declaredInputs: [DeclaredInput] {
    graph.inputs.map { id in
      let (name, type) = (graph[id].name, graph[id].type)
      guard type?.elementType == .sequence else { return DeclaredInput(name: name) }
      let declared = file.metadata.inputs.first { $0.name == name }?.contents
      return DeclaredInput(
        name: name,
        list: DeclaredInput.List(
          contents: type?.contents,
          mayBeAbsent: declared?.mayBeAbsent ?? type?.contents?.isOptional ?? false))
    }
  }
}

extension DeclaredInput.List {
  /// The sequence or optional that is given as one tensor: a sequence as its elements along the first axis.
  /// - Parameters:
  ///   - place: names the input in messages.
  ///   - held: the account of the elements' views.
  /// - Throws: ``ServiceError`` if the tensor is no such value.
  package func list(of tensor: Tensor, at place: String, holding held: HeldBytes?) throws -> Tensor {
    let isOptional = contents?.isOptional ?? false
    guard isOptional || !tensor.shape.dims.isEmpty else {
      throw ServiceError(
        .invalidRequest,
        "\(place) is a sequence: the first axis of its tensor is the sequence; a scalar was given")
    }
    let sizes = isOptional ? tensor.shape.dims : Array(tensor.shape.dims.dropFirst())
    guard contents?.accepts(tensor.elementType, sizes) ?? true else {
      throw ServiceError(
        .invalidRequest,
        "\(place) takes elements of \(description), but elements of "
          + "\(DeclaredInput.List.text(tensor.elementType, sizes)) were given")
    }
    if !isOptional, let count = tensor.shape.dims.first {
      guard count <= Tensor.mostListed else {
        throw ServiceError(
          .invalidRequest,
          "\(place) is a sequence of at most \(Tensor.mostListed) elements, but \(count) were given")
      }
      try held?.reserve(count * Tensor.listedOverhead)
    }
    return try tensor.listed(isOptional: isOptional)
  }

  private var description: String {
    guard let contents else { return "any type" }
    return DeclaredInput.List.text(contents.elementType, contents.dimensions.map { $0.map { $0.size ?? -1 } })
  }

  private static func text(_ elementType: ElementType, _ sizes: [Int]?) -> String {
    "\(DataType(elementType)?.rawValue ?? elementType.rawValue)\(sizes.map { "\($0)" } ?? "")"
  }
}

extension SequenceContents {
  fileprivate func accepts(_ elementType: ElementType, _ sizes: [Int]) -> Bool {
    guard elementType == self.elementType else { return false }
    guard let dimensions else { return true }
    return dimensions.count == sizes.count
      && zip(dimensions, sizes).allSatisfy { $0.size == nil || $0.size == $1 }
  }
}
