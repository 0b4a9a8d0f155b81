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

  /// One watched folder.
  private struct Folder: Sendable, Equatable {
    /// Its paths: several if links lead to it.
    var paths: Set<String>
    /// The names that matter in it; `nil` if all do.
    var names: Set<String>?
    /// True if contents of files matter in it.
    var hasFiles: Bool

    mutating func add(_ path: String, _ names: Set<String>?, hasFiles: Bool) {
      paths.insert(path)
      self.names = names.flatMap { self.names?.union($0) }
      self.hasFiles = self.hasFiles || hasFiles
    }
  }

  private struct State: Sendable {
    /// Folders by watch.
    var folders: [Int32: Folder] = [:]
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
  /// The time between two reads of events that do not matter: other programs may be busy in a folder on the way.
  private static let pause = Duration.milliseconds(50)

  /// Events of what comes, goes, and is replaced.
  private static let stepMask =
    UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_ATTRIB)
    | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
  private static let fileMask = stepMask | UInt32(IN_MODIFY) | UInt32(IN_CLOSE_WRITE)
  /// More folders are not watched, but polled: each watch takes about a kilobyte of the kernel's memory.
  private static let maxFolders = 1 << 16

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

  /// Watches these places, and no others.
  /// - Returns: true when something was not watched before: what happened to it until now was not seen.
  public func watch(_ places: WatchedPlaces) -> Bool {
    guard inotify >= 0 else { return false }
    return state.withLock { state in
      var watches: [Int32: Folder] = [:]
      var isShort = false
      func add(_ path: String, _ names: Set<String>?, hasFiles: Bool) {
        guard watches.count < FolderWatch.maxFolders else { return isShort = true }
        // Events of files are not lost where a folder is added for its steps too.
        let mask = hasFiles ? FolderWatch.fileMask : FolderWatch.stepMask | UInt32(bitPattern: IN_MASK_ADD)
        let watch = inotify_add_watch(inotify, path, mask)
        if watch >= 0 {
          let folder = Folder(paths: [path], names: names, hasFiles: hasFiles)
          watches[watch, default: folder].add(path, names, hasFiles: hasFiles)
        } else if errno == ENOSPC || errno == ENOMEM {
          isShort = true
        }
      }
      // A folder above is watched before those below: otherwise one that is replaced in between would go unseen.
      for (path, names) in places.steps.sorted(by: { $0.key < $1.key }) { add(path, names, hasFiles: false) }
      for path in places.folders.sorted() { add(path, nil, hasFiles: true) }
      for (path, names) in places.files { add(path, names, hasFiles: true) }
      let isNew = watches.contains { state.folders[$0.key] != $0.value }
      for old in state.folders.keys where watches[old] == nil { inotify_rm_watch(inotify, old) }
      state.folders = watches
      state.isPolling = isShort
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
    let due = ContinuousClock.now + (isPolling ? pollInterval : FolderWatch.slowInterval)
    var batch = Batch()
    while true {
      guard let hasEvents = wait(due - .now) else { return nil }
      guard hasEvents else { return batch }
      let end = ContinuousClock.now + FolderWatch.longestGathering
      var isNews = false
      repeat {
        if read(into: &batch) { isNews = true }
      } while isNews && wait(FolderWatch.gathering) == true && batch.written.count < 10_000
        && ContinuousClock.now < end
      if isNews || ContinuousClock.now >= due { return batch }
      guard wait(FolderWatch.pause, forEvents: false) != nil else { return nil }
    }
  }

  /// True when there are events, `nil` at the end.
  private func wait(_ time: Duration, forEvents: Bool = true) -> Bool? {
    var descriptors = [
      pollfd(fd: ending.first, events: Int16(POLLIN), revents: 0),
      pollfd(fd: forEvents ? inotify : -1, events: Int16(POLLIN), revents: 0),
    ]
    let (seconds, attoseconds) = time.components
    let milliseconds = Int32(clamping: seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000)
    guard poll(&descriptors, 2, max(milliseconds, 1)) >= 0 else { return false }
    if descriptors[0].revents != 0 { return nil }
    return descriptors[1].revents != 0
  }

  /// - Returns: true if one of the events matters.
  private func read(into batch: inout Batch) -> Bool {
    let headerSize = MemoryLayout<inotify_event>.size
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = Foundation.read(inotify, &buffer, buffer.count)
    let folders = state.withLock { $0.folders }
    var isNews = false
    var offset = 0
    while count >= offset + headerSize {
      // The kernel writes whole events: a header and as many bytes of a name, ended by zeros, as it says.
      let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
      let end = offset + headerSize + Int(event.len)
      guard end <= count else { return isNews }
      let name = String(decoding: buffer[offset + headerSize..<end].prefix { $0 != 0 }, as: UTF8.self)
      offset = end
      if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
        batch.isIncomplete = true
        isNews = true
      }
      guard let folder = folders[event.wd] else { continue }
      // Without a name, it happened to the folder itself.
      guard name.isEmpty || folder.names?.contains(name) != false else { continue }
      isNews = true
      guard !name.isEmpty else { continue }
      let paths = folder.paths.map { $0 == "/" ? "/" + name : $0 + "/" + name }
      if event.mask & UInt32(IN_MODIFY) != 0 {
        batch.written.formUnion(paths)
        batch.closed.subtract(paths)
      } else if event.mask & (UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO)) != 0 {
        batch.closed.formUnion(paths)
        batch.written.subtract(paths)
      }
    }
    return isNews
  }
}
