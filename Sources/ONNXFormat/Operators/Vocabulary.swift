import Tensors

/// The distinct texts of a list, in the order of their first occurrences.
struct Vocabulary {
  private(set) var list = StringList()
  /// The index in ``list`` of each text of the original list.
  private(set) var indices: [Int] = []

  init(_ texts: [[UInt8]]) {
    var places: [[UInt8]: Int] = [:]
    for text in texts {
      let place = places[text] ?? list.count
      if place == list.count {
        places[text] = place
        list.append(text)
      }
      indices.append(place)
    }
  }
}
