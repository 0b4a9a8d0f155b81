import Device
import Foundation

/// Reports possible changes in some folders: through inotify, or by polling where the file system tells
/// nothing (NFS, SMB, FUSE: what other machines change) or the system has no watch left.
public final class FolderWatch: Sendable {
  /// The changes since the last call. Files that changed in any other way are not named, so the folder has to
  /// be read.
  public struct Batch: Sendable {
    /// Files that somebody wrote to and has not closed since.
    public var written: Set<String> = []
    /// Files that were closed by who wrote them, or moved to where they are.
    public var closed: Set<String> = []
    /// Some events were lost.
    public var isIncomplete = false

    /// A batch that names nothing: look.
    public init() {}
  }

  private struct State: Sendable {
    /// Folders by watch.
    var folders: [Int32: String] = [:]
    var isPolling: Bool
  }

  private let inotify: Int32
  /// Writing to the second descriptor ends the thread.
  private let ending: DescriptorPair
  private let state: Locked<State>
  private let pollInterval: Duration
  /// Also where events come, a look is due from time to time.
  private static let slowInterval = Duration.seconds(30)
  /// The time within which related changes arrive.
  private static let gathering = Duration.milliseconds(20)
  /// While something is written all the time, what else there is waits for so long.
  private static let longestGathering = Duration.milliseconds(200)

  private static let mask =
    UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_MODIFY)
    | UInt32(IN_CLOSE_WRITE) | UInt32(IN_ATTRIB) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)

  /// - Parameters:
  ///   - isPolling: never uses inotify.
  ///   - pollInterval: how often to look where there are no events.
  public init(isPolling: Bool, pollInterval: Duration) {
    inotify = isPolling ? -1 : inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    ending = DescriptorPair()
    state = Locked(State(isPolling: inotify < 0))
    self.pollInterval = pollInterval
  }

  /// True where the folder lies on a file system that other machines change without the kernel saying so.
  public static func mustPoll(_ path: String) -> Bool { FileSystemKind.isRemote(path) }

  deinit {
    for descriptor in [inotify, ending.first, ending.second] where descriptor >= 0 { close(descriptor) }
  }

  /// True where nothing but the clock says that something may have changed.
  public var isPolling: Bool { state.withLock { $0.isPolling } }

  /// Watches these folders, and no others.
  /// - Returns: true when one was not watched before: what happened in it until now was not seen.
  public func watch(_ folders: [String]) -> Bool {
    guard inotify >= 0 else { return false }
    return state.withLock { state in
      var watches: [Int32: String] = [:]
      for folder in folders {
        let watch = inotify_add_watch(inotify, folder, FolderWatch.mask)
        if watch >= 0 {
          watches[watch] = folder
        } else if errno == ENOSPC || errno == ENOMEM {
          state.isPolling = true
        }
      }
      let isNew = watches.contains { state.folders[$0.key] != $0.value }
      for old in state.folders.keys where watches[old] == nil { inotify_rm_watch(inotify, old) }
      state.folders = watches
      return isNew
    }
  }

  /// Calls `onChange` on a thread of its own until ``stop()``.
  public func start(_ onChange: @escaping @Sendable (Batch) -> Void) {
    let thread = Thread { [self] in
      while let batch = next() { onChange(batch) }
    }
    thread.name = "fi.watch"
    thread.start()
  }

  /// Ends the thread at its next step.
  public func stop() {
    var byte: UInt8 = 0
    _ = Foundation.write(ending.second, &byte, 1)
  }

  /// Waits for something; `nil` when it is to end.
  private func next() -> Batch? {
    let interval = isPolling ? pollInterval : FolderWatch.slowInterval
    guard let hasEvents = wait(interval) else { return nil }
    var batch = Batch()
    if hasEvents {
      let end = ContinuousClock.now + FolderWatch.longestGathering
      repeat {
        read(into: &batch)
      } while wait(FolderWatch.gathering) == true && batch.written.count < 10_000
        && ContinuousClock.now < end
    }
    return batch
  }

  /// True when there are events, `nil` at the end.
  private func wait(_ time: Duration) -> Bool? {
    var descriptors = [
      pollfd(fd: ending.first, events: Int16(POLLIN), revents: 0),
      pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
    ]
    let (seconds, attoseconds) = time.components
    let milliseconds = Int32(clamping: seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000)
    guard poll(&descriptors, 2, max(milliseconds, 1)) >= 0 else { return false }
    if descriptors[0].revents != 0 { return nil }
    return descriptors[1].revents != 0
  }

  private func read(into batch: inout Batch) {
    let headerSize = MemoryLayout<inotify_event>.size
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = Foundation.read(inotify, &buffer, buffer.count)
    var offset = 0
    while count >= offset + headerSize {
      // The kernel writes whole events: a header and as many bytes of a name, ended by zeros, as it says.
      let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
      let end = offset + headerSize + Int(event.len)
      guard end <= count else { return }
      let name = String(decoding: buffer[offset + headerSize..<end].prefix { $0 != 0 }, as: UTF8.self)
      offset = end
      if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { batch.isIncomplete = true }
      guard !name.isEmpty, let folder = state.withLock({ $0.folders[event.wd] }) else { continue }
      let path = folder + "/" + name
      if event.mask & UInt32(IN_MODIFY) != 0 {
        batch.written.insert(path)
        batch.closed.remove(path)
      } else if event.mask & (UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO)) != 0 {
        batch.closed.insert(path)
        batch.written.remove(path)
      }
    }
  }
}
