import CHost

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Threads that carry out loads in the order they come, asleep while there are none. They are started by the first load
/// and end after ``close()``.
///
/// @unchecked Sendable: all state is used under `mutex` only.
final class LoadQueue: @unchecked Sendable {
  typealias Work = @Sendable () -> Void

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let wantedThreads: Int
  private var startedThreads = 0
  private var isClosed = false
  /// Pending work; what comes before `next` is done.
  private var pending: [Work?] = []
  private var next = 0

  init(threads: Int) {
    wantedThreads = threads
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Adds work at the end; `refuse` runs in its stead, here and now, when there is no thread that could do it.
  func append(_ work: @escaping Work, orElse refuse: () -> Void) {
    let accepted = locked {
      while startedThreads < wantedThreads, startThread() { startedThreads += 1 }
      guard startedThreads > 0 else { return false }
      pending.append(work)
      pthread_cond_signal(changed)
      return true
    }
    if !accepted { refuse() }
  }

  /// Adds work that comes next. Called from work of this queue.
  func prepend(_ work: [Work]) {
    locked {
      pending.replaceSubrange(..<next, with: work)
      next = 0
      pthread_cond_broadcast(changed)
    }
  }

  /// Lets the threads end once nothing is pending.
  func close() {
    locked {
      isClosed = true
      pthread_cond_broadcast(changed)
    }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// The next work; waits for it. `nil` when there will be none.
  private func take() -> Work? {
    locked {
      while next == pending.count {
        pending.removeAll(keepingCapacity: true)
        next = 0
        if isClosed { return nil }
        pthread_cond_wait(changed, mutex)
      }
      defer { next += 1 }
      return pending[next].take()
    }
  }

  private func startThread() -> Bool {
    let queue = Unmanaged.passRetained(self)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { queue in
        fi_thread_set_name("fusedinf-load")
        fi_thread_sleep_exactly()
        fi_thread_take_short_turns()
        guard let queue else { return nil }
        let owner = Unmanaged<LoadQueue>.fromOpaque(queue).takeRetainedValue()
        while let work = owner.take() { work() }
        return nil
      }, queue.toOpaque())
    guard status == 0 else {
      queue.release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
