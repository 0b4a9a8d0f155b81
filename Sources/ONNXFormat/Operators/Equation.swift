/// The equation of an `Einsum` (`https://onnx.ai/onnx/operators/onnx__Einsum.html`): the axes of each operand, and of the
/// result.
struct Equation {
  /// An axis by its letter, or one of those that an ellipsis stands for, counted from the last.
  enum Axis: Hashable {
    case letter(UInt8)
    case rest(Int)
  }

  var operands: [[Axis]]
  var result: [Axis]

  /// Why there is no such equation.
  struct Fault: Error { var reason: String }

  /// - Parameters:
  ///   - text: for instance `...ij, jk -> ...ik`.
  ///   - ranks: the number of axes of each operand, where it is known.
  /// - Throws: ``Fault``; ``NodeImport/UnsupportedForm`` if an ellipsis stands for a number of axes that is not known.
  init(_ text: String, ranks: [Int?]) throws {
    let characters = text.utf8.filter { $0 != UInt8(ascii: " ") }
    let arrow = characters.indices.dropLast().first { index in
      characters[index] == UInt8(ascii: "-") && characters[index + 1] == UInt8(ascii: ">")
    }
    let terms = try characters[..<(arrow ?? characters.count)]
      .split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { try Term($0) }
    guard terms.count == ranks.count else {
      throw Fault(reason: "has \(terms.count) terms for \(ranks.count) operands")
    }
    operands = try zip(terms, ranks).map { term, rank in
      if let rank, term.ellipsis == nil ? rank != term.letters.count : rank < term.letters.count {
        throw Fault(reason: "has \(term.letters.count) letters for an operand of \(rank) axes")
      }
      guard term.ellipsis != nil else { return term.axes(rest: 0) }
      guard let rank else {
        throw NodeImport.UnsupportedForm(
          reason: "an ellipsis for an operand whose rank cannot be told from the file")
      }
      return term.axes(rest: rank - term.letters.count)
    }
    let all = operands.joined()
    let rest = all.reduce(0) { count, axis in
      if case .rest(let place) = axis { max(count, place + 1) } else { count }
    }
    if let arrow {
      let term = try Term(characters[(arrow + 2)...])
      guard term.ellipsis != nil || rest == 0 else {
        throw Fault(reason: "has no ellipsis on its right-hand side, though it stands for axes on its left")
      }
      result = term.axes(rest: rest)
      guard Set(result).count == result.count, Set(result).isSubset(of: Set(all)) else {
        throw Fault(reason: "has a letter on its right-hand side twice, or one that its left lacks")
      }
    } else {
      // The axes of the ellipsis, then the letters that appear once, in alphabetical order.
      let counts = terms.flatMap(\.letters).reduce(into: [UInt8: Int]()) { $0[$1, default: 0] += 1 }
      let once = counts.filter { $0.value == 1 }.keys.sorted()
      result = (0..<rest).reversed().map { .rest($0) } + once.map { .letter($0) }
    }
  }

  /// The letters of one operand or of the result.
  private struct Term {
    var letters: [UInt8] = []
    /// The number of letters before the ellipsis, if there is one.
    var ellipsis: Int?

    init(_ text: ArraySlice<UInt8>) throws(Fault) {
      var text = text
      while let first = text.popFirst() {
        switch first {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
          letters.append(first)
        case UInt8(ascii: ".") where ellipsis == nil && text.starts(with: [first, first]):
          ellipsis = letters.count
          text.removeFirst(2)
        default: throw Fault(reason: "has something else than letters, '...', ',' and '->'")
        }
      }
      // As many letters as a tensor can have axes.
      guard letters.count <= 16 else { throw Fault(reason: "has more than 16 letters for an operand") }
    }

    func axes(rest: Int) -> [Axis] {
      let axes = letters.map { Axis.letter($0) }
      guard let ellipsis else { return axes }
      return axes[..<ellipsis] + (0..<rest).reversed().map { .rest($0) } + axes[ellipsis...]
    }
  }
}
