import CHost
import Foundation

/// Has the heap give back at once what large blocks took, in a process that lives long and holds large blocks for a short
/// time. To be called before other threads run.
public func boundHeap() {
  fi_heap_bound(Int32(clamping: ProcessInfo.processInfo.activeProcessorCount))
}

/// Gives back the pages of the heap that hold freed blocks alone. Takes some milliseconds for a large heap.
public func trimHeap() { fi_heap_trim() }
