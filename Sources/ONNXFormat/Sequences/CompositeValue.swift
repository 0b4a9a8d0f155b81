import ModelGraph

/// A sequence or an optional whose elements the file tells. It exists while the file is read: operators on it become
/// operators on its elements. All others are values of the type `.sequence`.
///
/// An optional that is there is the value that it holds.
enum CompositeValue {
  /// A sequence, by its elements.
  case sequence([ValueID])
  /// An optional without a value.
  case absent
}

/// The treatment of sequences among the outputs of a graph.
enum SequenceOutputs {
  /// Each is a value of the type `.sequence`.
  case materialised
  /// Each is one tensor if its elements have one shape, and otherwise an output for each element.
  case served
  /// Each is an output for each element; the graph is a part of another one, which knows their number.
  case flattened
}

/// Counts of what a file's sequences make: a small file may ask for much.
struct SequenceSizes {
  /// The elements of all sequences.
  private var elements = 0
  /// The nodes of bodies, once for each time that one is read or used.
  private var nodes = 0

  /// The most elements of one sequence.
  static let mostElements = 1 << 14

  mutating func add(elements count: Int) throws(NodeImport.UnsupportedForm) {
    guard count <= Self.mostElements, elements <= 1 << 18 else {
      throw NodeImport.UnsupportedForm(reason: "its sequences have too many elements")
    }
    elements += count
  }

  mutating func add(nodes count: Int) throws(NodeImport.UnsupportedForm) {
    guard nodes <= 1 << 16 else {
      throw NodeImport.UnsupportedForm(reason: "its body makes too many nodes of the elements")
    }
    nodes += count
  }
}
