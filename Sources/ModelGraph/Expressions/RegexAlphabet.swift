/// The scalars that an expression does not tell apart, as one class each.
struct RegexAlphabet: Sendable {
  /// The number of classes.
  private(set) var count = 0
  /// The first scalar of each run of scalars of one class, and the class of the run.
  private var starts: [UInt32] = []
  private var classes: [Int32] = []
  private var ascii = [Int32](repeating: 0, count: 128)
  /// True for each set, then each class of it.
  private var members: [Bool] = []
  private(set) var isWord: [Bool] = []
  private(set) var isNewline: [Bool] = []

  /// The bytes that the alphabet takes, about.
  var byteCount: Int { 8 * starts.count + members.count + 2 * count }

  init(_ sets: [ScalarSet]) {
    let all = sets + [.wordScalars, .newline]
    var bounds: Set<UInt32> = [0]
    for range in all.lazy.flatMap(\.ranges) {
      bounds.insert(range.lowerBound)
      bounds.insert(range.upperBound + 1)
    }
    starts = bounds.sorted()
    classes = [Int32](repeating: 0, count: starts.count)
    count = 1
    // Each set divides the classes further.
    for set in all {
      var divided: [Int32: Int32] = [:]
      for range in set.ranges {
        var run = self.run(of: range.lowerBound)
        while run < starts.count, starts[run] <= range.upperBound {
          let part = divided[classes[run]] ?? Int32(count)
          if part == count {
            divided[classes[run]] = part
            count += 1
          }
          classes[run] = part
          run += 1
        }
      }
    }
    for value in 0..<128 { ascii[value] = classes[run(of: UInt32(value))] }
    members = [Bool](repeating: false, count: all.count * count)
    for (index, set) in all.enumerated() {
      for range in set.ranges {
        var run = self.run(of: range.lowerBound)
        while run < starts.count, starts[run] <= range.upperBound {
          members[index * count + Int(classes[run])] = true
          run += 1
        }
      }
    }
    isWord = Array(members[sets.count * count..<(sets.count + 1) * count])
    isNewline = Array(members[(sets.count + 1) * count..<(sets.count + 2) * count])
  }

  /// Returns true if a class is in the set of this index.
  func contains(_ set: Int, _ kind: Int) -> Bool { members[set * count + kind] }

  /// The class of a scalar.
  func kind(of scalar: UInt32) -> Int {
    Int(scalar < 128 ? ascii[Int(scalar)] : classes[run(of: scalar)])
  }

  /// The index of the run that has a scalar.
  private func run(of scalar: UInt32) -> Int {
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= scalar { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }
}
