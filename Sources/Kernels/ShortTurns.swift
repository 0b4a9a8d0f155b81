import CHost

/// Asks the system to run the calling thread as soon as it has work, even while other threads compute. The
/// thread mostly waits, and others wait for it. Its share of the processor does not change. This has an
/// effect from Linux 6.12 on (`sched_setattr(2)`, the slice of a fair thread).
public func takeShortTurns() { fi_thread_take_short_turns() }
