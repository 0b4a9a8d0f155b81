/// Lets one task at a time work on a name, in the order in which they come.
actor Turns {
  /// The tasks that wait for their turn, by name. A name that nobody works on is not in it.
  private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

  /// Waits for the turn. ``end(_:)`` it.
  func begin(_ name: String) async {
    guard waiting[name] != nil else { return waiting[name] = [] }
    await withCheckedContinuation { waiting[name, default: []].append($0) }
  }

  func end(_ name: String) {
    guard let first = waiting[name]?.first else { return waiting[name] = nil }
    waiting[name]?.removeFirst()
    first.resume()
  }
}
