import Device

/// Selects the kernels of a plan that several threads share, in the order in which the kernels run.
///
/// After a shared kernel a lane's other threads wait some 100 µs for the next one before they sleep. A kernel
/// that follows in time costs them nothing. A kernel that has to wake them waits 50 to 100 µs on a small
/// virtual machine, so it must be larger to be worth it. In a recurrence the threads wait for one another at every step, which must
/// be worth it too.
package struct ThreadSharing {
  /// Microseconds on one thread from which a kernel is worth sharing while the others wait for it.
  private static let whileWaiting = 15.0
  /// And when they sleep.
  private static let whileSleeping = 150.0
  /// The time that a lane's other threads wait, in µs.
  private static let patience = 100.0

  /// Microseconds since the last shared kernel ended.
  private var idle = Double.infinity

  package init() {}

  /// Returns those of the ascending `counts` for which the next kernel is worth making.
  package func counts(for request: KernelRequest, of counts: [Int]) -> [Int] {
    let least = idle <= Self.patience ? Self.whileWaiting : Self.whileSleeping
    let isWorth =
      request.estimatedMicroseconds >= least && request.estimatedMicrosecondsPerTurn >= Self.whileWaiting
    return isWorth ? counts : Array(counts.prefix(1))
  }

  /// Records that the next kernel runs with these thread counts.
  package mutating func runs(_ request: KernelRequest, with counts: [Int]) {
    idle = counts.count > 1 ? 0 : idle + request.estimatedMicroseconds
  }
}
