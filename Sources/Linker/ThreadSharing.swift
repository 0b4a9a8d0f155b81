import Device

/// Selects the kernels of a plan that several threads share, in the order in which the kernels run.
///
/// After a shared kernel a lane's other threads wait some 100 µs for the next one before they sleep. A kernel
/// that follows in time costs them nothing. A kernel that has to wake them waits 50 to 100 µs on a small
/// virtual machine, so it must be larger to be worth it, or the first of several that follow one another and are large together. In a
/// recurrence the threads wait for one another at every step, which must
/// be worth it too.
package struct ThreadSharing {
  /// Microseconds on one thread from which a kernel is worth sharing while the others wait for it.
  private static let whileWaiting = 15.0
  /// And when they sleep.
  private static let whileSleeping = 150.0
  /// And together with those that follow while the threads wait.
  private static let together = 400.0
  /// The time that a lane's other threads wait, in µs.
  private static let patience = 100.0

  /// Microseconds since the last shared kernel ended.
  private var idle = Double.infinity

  /// Microseconds of the kernels that come, the last one first.
  private var coming: [Double]

  /// - Parameter expected: about how many µs each kernel takes on one thread, in the order in which they run.
  package init(expected: [Double] = []) { coming = expected.reversed() }

  /// Returns those of the ascending `counts` for which the next kernel is worth making.
  package func counts(for request: KernelRequest, of counts: [Int]) -> [Int] {
    let isLarge =
      idle <= Self.patience || request.estimatedMicroseconds >= Self.whileSleeping || areLargeTogether
    let isWorth =
      isLarge
      && min(request.estimatedMicroseconds, request.estimatedMicrosecondsPerTurn) >= Self.whileWaiting
    return isWorth ? counts : Array(counts.prefix(1))
  }

  /// True if the kernels that come are worth waking the threads, up to the first time that these would sleep again.
  private var areLargeTogether: Bool {
    var (total, pause) = (0.0, 0.0)
    for time in coming.reversed() {
      if time >= Self.whileWaiting { (total, pause) = (total + time, 0) } else { pause += max(time, 1) }
      if total >= Self.together { return true }
      if pause > Self.patience { return false }
    }
    return false
  }

  /// Records that the kernel which came first has been made.
  package mutating func goOn() { _ = coming.popLast() }

  /// Records that the next kernel runs with these thread counts.
  package mutating func runs(_ request: KernelRequest, with counts: [Int]) {
    idle = counts.count > 1 ? 0 : idle + request.estimatedMicroseconds
  }
}
