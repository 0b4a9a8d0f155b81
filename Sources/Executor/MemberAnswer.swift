import Linker
import Tensors

/// The answer of one member of a program, with its timing.
public struct MemberAnswer: Sendable {
  /// In the order of the model's outputs.
  public var outputs: [(name: String, tensor: Tensor)]
  public var timing: MemberTiming
}

/// When things happened, in nanoseconds of the monotonic clock.
public struct MemberTiming: Sendable {
  /// The program was submitted.
  public var submitted: UInt64
  /// The member's reservation was granted.
  public var granted: UInt64 = 0
  /// The time at which its first kernel could start.
  public var started: UInt64 = 0
  /// The last of its extents was usable; when all were before, ``granted``.
  public var loaded: UInt64 = 0
  /// The time at which its answer was complete.
  public var answered: UInt64 = 0
  /// Bytes of extents loaded for it: they were neither resident nor being loaded for another.
  public var bytesLoaded = 0
  /// The lane that it ran on.
  public var lane = 0

  init(submitted: UInt64) { self.submitted = submitted }
}
