import CHost

/// Has the system run the calling thread as soon as it has something to do, though other threads compute: it mostly waits,
/// and others wait for it. What it may take of the processor stays the same. It has an effect from Linux 6.12 on
/// (`sched_setattr(2)`, the slice of a fair thread).
public func takeShortTurns() { fi_thread_take_short_turns() }
