import Device
import ModelGraph
import Tensors

extension PairwiseCoupling: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try PairwiseCouplingProgram.build(classes: classes, request)
  }
}

/// Probabilities of classes from those of pairs, improved until they change by less than 0.5 % of an even share, at most a hundred
/// times, as libsvm does.
enum PairwiseCouplingProgram {
  private static let rounds = 100

  static func build(classes: Int, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    try request.requireSameType(0)
    guard operand.elementType.isFloatingPoint else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: .float64], results: [0: .float64]) {
      return program
    }
    guard let pairs = PairwiseCoupling.pairs(of: classes), operand.shape.rank == 2,
      operand.shape.dims[1] == pairs
    else { throw request.invalid("the probabilities are not those of each pair of \(classes) classes") }
    let rows = operand.shape.dims[0]
    try request.requireResult([rows, classes])
    // The pairs of a row are a tensor's elements: twice as many and a few more can be counted.
    let scratch = (2 * pairs + 2 * classes) * MemoryLayout<Double>.size
    return Program(name: "pairwise coupling", scratchBytes: alignedScratch(scratch)) { frame in
      let source = try frame.operand(0, as: Double.self)
      let target = try frame.result(0, as: Double.self)
      let matrix = try frame.scratch(as: Double.self)
      for row in 0..<rows {
        fill(matrix, source + row &* pairs, classes)
        couple(matrix, matrix + classes &* classes, target + row &* classes, classes)
      }
    }
  }

  /// Writes the matrix Q: on the diagonal the sums of the squares of each class's losses, elsewhere the products of a pair's.
  private static func fill(
    _ matrix: UnsafeMutablePointer<Double>, _ wins: UnsafePointer<Double>, _ classes: Int
  ) {
    matrix.update(repeating: 0, count: classes &* classes)
    var pair = 0
    for i in 0..<classes {
      for j in (i &+ 1)..<max(classes, i &+ 1) {
        let (win, loss) = (wins[pair], 1 - wins[pair])
        matrix[i &* classes &+ i] += loss * loss
        matrix[j &* classes &+ j] += win * win
        matrix[i &* classes &+ j] = -win * loss
        matrix[j &* classes &+ i] = -win * loss
        pair &+= 1
      }
    }
  }

  /// Minimises pᵀQp over probabilities p.
  private static func couple(
    _ matrix: UnsafePointer<Double>, _ products: UnsafeMutablePointer<Double>,
    _ shares: UnsafeMutablePointer<Double>, _ classes: Int
  ) {
    shares.update(repeating: 1 / Double(classes), count: classes)
    let tolerance = 0.005 / Double(classes)
    for _ in 0..<rounds {
      var whole = 0.0
      for i in 0..<classes {
        var product = 0.0
        for j in 0..<classes { product += matrix[i &* classes &+ j] * shares[j] }
        products[i] = product
        whole += shares[i] * product
      }
      var error = 0.0
      for i in 0..<classes { error = max(error, (products[i] - whole).magnitude) }
      if error < tolerance { return }
      for i in 0..<classes {
        let own = matrix[i &* classes &+ i]
        let change = (whole - products[i]) / own
        let scale = 1 / (1 + change)
        shares[i] += change
        whole = (whole + change * (change * own + 2 * products[i])) * scale * scale
        for j in 0..<classes {
          products[j] = (products[j] + change * matrix[i &* classes &+ j]) * scale
          shares[j] *= scale
        }
      }
    }
  }
}
