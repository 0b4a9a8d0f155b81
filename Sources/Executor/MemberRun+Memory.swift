import Device
import Linker
import ModelGraph
import Tensors

/// The memory that a run asks for as it goes.
extension MemberRun {
  /// The most rounds of all loops of a run together: a condition that never becomes false would hold the lane for ever.
  static let mostRounds = 1 << 20
  /// The most plans of a run that wait for the end of one another: each takes some of the thread's stack.
  static let mostNested = 500
  /// The least bytes that a loop asks for beyond what it needs by now.
  static let leastSpare = 1 << 20

  /// Checks that the member has the memory.
  /// - Parameter spare: bytes to ask for beside it, if there is room for them.
  /// - Throws: ``NeedsMoreMemory`` if it has reserved less; `LinkError` if there is no room for it.
  func reserve(_ needed: MemberMemory, of plan: Plan, spare: Int = 0) throws {
    var needed = needed
    needed.add(requestBytes: needs.textBytes)
    // With the needs of earlier steps: the run begins anew with this memory.
    needs.memory = needs.memory.union(needed)
    try check(needs.memory, of: plan)
    guard
      needed.arenaBytes > reserved.arenaBytes
        || needed.requestBytes > roundedToPages(reserved.requestBytes)
    else { return }
    var more = needs.memory
    more.add(requestBytes: spare)
    throw NeedsMoreMemory(memory: more.fits(room.bytes) ? more : needs.memory)
  }

  /// Refuses what no member of the model can have.
  func check(_ needed: MemberMemory, of plan: Plan) throws {
    guard !needed.fits(room.bytes) else { return }
    throw LinkError.tooLarge(
      model: plan.model.name,
      needed: (needed.byteCount ?? .max / 2).adding(saturating: room.budget - room.bytes), budget: room.budget
    )
  }
}

extension [Tensor] {
  /// Bytes of what is in the sequences among them; `Int.max` where there are more.
  var listBytes: Int {
    reduce(0) { $1.elementType == .sequence ? $0.adding(saturating: $1.heldBytes) : $0 }
  }
}
