import Linker

/// An error that prevents a member from answering.
public struct ExecutorError: Error, Sendable, CustomStringConvertible {
  enum Code: Sendable {
    case inputCount(model: String, expected: Int, found: Int)
    case inputSize(model: String, input: String, expected: Int, found: Int)
    case damaged(model: String, path: String)
    case sourceFailed(model: String, source: String)
  }

  let code: Code

  init(_ code: Code) { self.code = code }

  /// True when what the model has on the disk is at fault.
  public var isDamage: Bool { if case .damaged = code { true } else { false } }

  public var description: String {
    switch code {
    case .inputCount(let model, let expected, let found):
      "model '\(model)' takes \(expected) inputs, \(found) were given"
    case .inputSize(let model, let input, let expected, let found):
      "input '\(input)' of model '\(model)' takes \(expected) bytes, \(found) were given"
    case .sourceFailed(let model, let source):
      "model '\(model)' did not run because model '\(source)', whose outputs it takes, failed"
    case .damaged(let model, let path):
      "the weights of model '\(model)' could not be read while it ran: '\(path)' was changed or its disk failed; "
        + "run 'fusedinf verify \(model)' for details, and add the model again to fix it"
    }
  }
}

/// A rest of a plan needs more than its member has reserved: the member starts again with more.
struct NeedsMoreMemory: Error {
  /// The memory taken by the run up to the end of the rest.
  var memory: MemberMemory
}
