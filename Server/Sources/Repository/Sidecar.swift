import ModelGraph
import Tensors
import Yams

/// The contents of a model's `NAME.yaml`:
///
///     shapes:
///       x: 1..8x3x224x224
///     weights: int8             # f32, bf16, f16
///     keep_alive: 30            # seconds; or 5m, or -1 for ever
///     pin: false
public struct Sidecar: Sendable, Hashable {
  /// The sizes that inputs may have, by input.
  public var shapes: [String: String] = [:]
  /// The form of large weights.
  public var weights = WeightForm.float32
  /// The time that the model stays resident after its last use.
  public var keepAlive: Duration?
  public var pin: Bool?

  public init() {}

  /// Why a sidecar cannot be followed.
  public struct Problem: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  private static let maxBytes = 16 << 10

  /// - Throws: ``Problem`` when the file cannot be read, or says what is not understood.
  public init(readFrom path: String) throws {
    let text: String
    do { text = try RegularFile.text(of: path, maxBytes: Sidecar.maxBytes) } catch {
      throw Problem(description: error.description)
    }
    do { try self.init(parsing: text) } catch { throw Problem(description: "'\(path)': \(error)") }
  }

  /// - Throws: ``Problem``.
  public init(parsing text: String) throws {
    let node: Yams.Node?
    do { node = try PlainYAML.compose(text) } catch let problem as PlainYAML.Problem {
      throw Problem(description: problem.description)
    } catch { throw Problem(description: "it is not valid YAML: \(error)") }
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
      case "weights":
        guard let form = value.string.flatMap({ WeightForm(rawValue: $0) }) else {
          let forms = WeightForm.allCases.map(\.rawValue).joined(separator: ", ")
          throw Problem(description: "'weights' is one of \(forms)")
        }
        weights = form
      case "keep_alive":
        guard let duration = value.scalar.flatMap({ KeepAlive.duration($0.string) }) else {
          throw Problem(description: "'keep_alive' takes \(KeepAlive.forms)")
        }
        keepAlive = duration
      case "pin":
        guard let flag = value.bool else { throw Problem(description: "'pin' must be true or false") }
        pin = flag
      default:
        throw Problem(
          description:
            "'\((key.string ?? "?").prefix(64))' is not a setting; the settings are shapes, weights, keep_alive and pin"
        )
      }
    }
  }
}
