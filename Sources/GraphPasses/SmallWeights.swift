import ModelGraph
import Tensors

/// The effects of ``Graph/reduceWeights(to:)``.
public struct SmallWeightsReport: Sendable, Equatable {
  /// The number of weights in the small form.
  public var reduced = 0
  /// Bytes of these weights before and after.
  public var bytesBefore = 0
  public var bytesAfter = 0
  /// Large weights that stay floats although an operator would take the small form, each with the reason.
  public var notes: [String] = []
}

/// The sizes at which weights are reduced.
enum SmallWeightsLimits {
  /// Bytes of weights that are worth it.
  static let least = 64 << 10
  /// The integers of a column that have one scale.
  static let block = 128
}

extension Graph {
  /// Gives the large weights of matrix multiplications, convolutions and lookups another form, and the nodes that read
  /// them the operators that compute with it. Activations stay floats.
  ///
  /// A weight stays as it is if it takes less than 64 KiB, if the form cannot hold its numbers, and if it would be in
  /// memory twice, because a node reads it that takes floats alone. Bodies of conditionals and loops are left alone, and so are convolutions of several groups.
  /// Run this on an optimised graph: nothing is folded into small weights.
  /// - Parameter exactly: leave weights as they are if they would change.
  /// - Throws: ``GraphError`` if the graph cannot be typed.
  public mutating func reduceWeights(to form: WeightForm, exactly: Bool = false) throws -> SmallWeightsReport
  {
    var report = SmallWeightsReport()
    guard form != .float32 else { return report }
    var made: [SmallWeightsKey: SmallConstants] = [:]
    var refused: Set<ValueID> = []
    let changes = try Rewriter.rewrite(&self) { rewriter, index in
      guard let use = SmallWeightsUse(rewriter, index, form), !refused.contains(use.constant) else {
        return false
      }
      if exactly, made[use.key] == nil, !use.isExact(as: form) {
        refused.insert(use.constant)
        return false
      }
      if made[use.key] == nil {
        do { made[use.key] = try use.reduced(to: form, in: &rewriter, &report) } catch let refusal
          as SmallWeightsRefusal
        {
          refused.insert(use.constant)
          report.notes.append(
            "the weights '\(rewriter.graph[use.constant].name)' stay floats: \(refusal.text(form))")
          return false
        }
      }
      guard let constants = made[use.key] else { return false }
      use.rewrite(&rewriter, constants)
      return true
    }
    guard changes > 0 else { return report }
    removeDeadCode()
    compact()
    annotate(with: try inferTypes())
    return report
  }
}

/// A weight, and the way in which it is reduced.
struct SmallWeightsKey: Hashable {
  var constant: ValueID
  var role: SmallWeightsRole
}

/// The operator that reads a weight.
enum SmallWeightsRole: Hashable {
  case product(transposed: Bool, alpha: Double)
  case convolution
  /// A lookup along axis 0, of which each row has a scale.
  case rows
}

/// The constants that stand for a weight.
struct SmallConstants {
  var weights: ValueID
  var scale: ValueID?
  var block: Int
}
