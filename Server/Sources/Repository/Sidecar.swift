import Foundation
import Tensors
import Yams

/// The contents of a model's `NAME.yaml`:
///
///     shapes:
///       x: 1..8x3x224x224
///     keep_alive: 30
///     pin: false
public struct Sidecar: Sendable, Hashable {
  /// The sizes that inputs may have, by input.
  public var shapes: [String: String] = [:]
  /// Seconds.
  public var keepAlive: Double?
  public var pin: Bool?

  public init() {}

  /// Why a sidecar cannot be followed.
  public struct Problem: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  private static let maxBytes = 16 << 10
  /// Lines, and marks that open something: what is nested is not nested deeper than there are of both.
  private static let maxNesting = 256

  /// - Throws: ``Problem`` when the file cannot be read, or says what is not understood.
  public init(readFrom path: String) throws {
    guard let file = FileHandle(forReadingAtPath: path),
      let data = try file.read(upToCount: Sidecar.maxBytes + 1)
    else { throw Problem(description: "cannot read '\(path)'") }
    guard data.count <= Sidecar.maxBytes, let text = String(data: data, encoding: .utf8) else {
      throw Problem(description: "'\(path)' is no text of at most \(Sidecar.maxBytes) bytes")
    }
    do { try self.init(parsing: text) } catch { throw Problem(description: "'\(path)': \(error)") }
  }

  /// - Throws: ``Problem``.
  public init(parsing text: String) throws {
    // The parser calls itself for what is nested, so that the nesting is bounded first.
    guard
      text.utf8.count(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) < Sidecar.maxNesting,
      text.utf8.count(where: { "[{-?:&*!".utf8.contains($0) }) < Sidecar.maxNesting
    else { throw Problem(description: "the file is too large for a model's settings") }
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch {
      throw Problem(description: "it is not valid YAML: \(error)")
    }
    guard let node else { return }
    guard let fields = node.mapping else { throw Problem(description: "it is not a mapping of settings") }
    for (key, value) in fields {
      switch key.string {
      case "shapes":
        guard let inputs = value.mapping else {
          throw Problem(description: "'shapes' is not a mapping of inputs")
        }
        for (input, shape) in inputs {
          guard let name = input.string, let ranges = shape.string, (try? ShapeRanges(parsing: ranges)) != nil
          else {
            throw Problem(description: "'shapes' takes INPUT: SIZES, for example x: 1..8x3x224x224")
          }
          shapes[name] = ranges
        }
      case "keep_alive":
        guard let seconds = value.float, seconds >= 0, seconds < 3e10 else {
          throw Problem(description: "'keep_alive' is not a number of seconds")
        }
        keepAlive = seconds
      case "pin":
        guard let flag = value.bool else { throw Problem(description: "'pin' must be true or false") }
        pin = flag
      default:
        throw Problem(
          description:
            "'\((key.string ?? "?").prefix(64))' is not a setting; the settings are shapes, keep_alive and pin"
        )
      }
    }
  }
}
