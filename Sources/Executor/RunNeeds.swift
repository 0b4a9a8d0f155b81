import Device
import Linker
import Tensors

/// The memory that the steps of a run needed so far, and the rounds and plans that it has begun, those in loops included.
final class RunNeeds {
  var memory = MemberMemory(arenaBytes: 0, requestBytes: 0)
  /// The memory that the plan in progress needs, without texts.
  var current = MemberMemory(arenaBytes: 0, requestBytes: 0)
  /// The texts of the run, once it has any.
  var strings: StringTable?
  /// Bytes of the texts in ``strings``.
  var tableBytes = 0
  /// Bytes of the texts that tensors brought into the run.
  var foreignBytes = 0
  private var rounds = 0
  /// The plans that have begun and not ended.
  private var nested = 0

  /// Bytes of all texts.
  var textBytes: Int { tableBytes.adding(saturating: foreignBytes) }

  /// Notes a plan that runs until ``endPlan()``.
  /// - Throws: ``DeviceError`` beyond `limit`.
  func beginPlan(limit: Int) throws {
    guard nested < limit else {
      throw DeviceError(
        .unsupported,
        "more than \(limit) of its operators follow one another whose results' sizes data decide"
      )
    }
    nested += 1
  }

  func endPlan() { nested -= 1 }

  /// - Throws: ``DeviceError`` beyond `limit`.
  func addRound(limit: Int) throws {
    rounds += 1
    guard rounds <= limit else {
      throw DeviceError(
        .invalidData, "its loops run more than \(limit) rounds; give them smaller trip counts")
    }
  }
}
