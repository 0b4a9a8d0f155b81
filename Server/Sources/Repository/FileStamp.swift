import Foundation

/// A text that changes when a file is written, replaced, or dated back.
public struct FileStamp: Sendable, Hashable, CustomStringConvertible {
  public let description: String

  /// The stamp of the file at a path, links followed; `nil` if there is nothing.
  public init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init(_ status: stat) {
    // The time of the last change of the file's record tells a file apart that was written and dated back; its number, one
    // that was put in another's place where there is no such time.
    description =
      "\(status.st_dev):\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) "
      + "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
  }
}
