import Foundation
import Device

/// A line on a terminal that says what is being done; silent when standard error is no terminal.
final class ProgressLine: Sendable {
  private let title: String
  private let isTerminal: Bool
  private let steps = Locked(0)
  private static let width = 24

  init(title: String) {
    self.title = title
    isTerminal = isatty(STDERR_FILENO) == 1
  }

  /// Replaces the line. The bar fills by a part of what is left at each step, since the number of steps is not known.
  func show(_ stage: String) {
    guard isTerminal else { return }
    let filled = steps.withLock { steps in
      steps += 1
      return Int(Double(ProgressLine.width) * (1 - pow(0.9, Double(steps))))
    }
    let bar =
      String(repeating: "#", count: filled) + String(repeating: ".", count: ProgressLine.width - filled)
    write("\r\u{1b}[K[\(bar)] \(title): \(stage)")
  }

  /// Takes the line away.
  func clear() {
    if isTerminal { write("\r\u{1b}[K") }
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
