import Foundation
import Device
import Executor

/// The answers of a program in the order in which they left.
final class AnswerLog: Sendable {
  private let entries = Locked<[(member: Int, succeeded: Bool)]>([])

  func add(_ member: Int, _ answer: Result<MemberAnswer, any Error>) {
    let succeeded = if case .success = answer { true } else { false }
    entries.withLock { $0.append((member, succeeded)) }
  }

  /// The members that have answered or failed so far.
  var members: [Int] { entries.withLock { $0.map(\.member) } }

  /// Sleeps until `count` members have left.
  func wait(for count: Int) async throws {
    for _ in 0..<2000 {
      if members.count >= count { return }
      try await Task.sleep(for: .milliseconds(5))
    }
    throw NobodyAnswered(found: members, expected: count)
  }

  struct NobodyAnswered: Error {
    var found: [Int]
    var expected: Int
  }
}
