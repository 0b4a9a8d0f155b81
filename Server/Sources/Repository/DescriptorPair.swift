import Foundation

/// Two descriptors that are joined: what is written to one is read from the other, which ends when this one is closed
/// everywhere. Programs that this one starts do not get them.
struct DescriptorPair {
  /// -1 where it is closed, or could not be made.
  var first: Int32 = -1
  var second: Int32 = -1

  init() {
    var ends: [Int32] = [-1, -1]
    // A pipe would have to be marked in a second step, and a program that starts in between would keep it open.
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return }
    (first, second) = (ends[0], ends[1])
  }

  var isOpen: Bool { first >= 0 && second >= 0 }

  mutating func closeFirst() {
    if first >= 0 { close(first) }
    first = -1
  }

  mutating func closeSecond() {
    if second >= 0 { close(second) }
    second = -1
  }

  mutating func closeBoth() {
    closeFirst()
    closeSecond()
  }
}
