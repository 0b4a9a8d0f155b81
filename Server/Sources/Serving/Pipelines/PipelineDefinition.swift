import InferenceProtocol
import Tensors

/// The contents of a pipeline's file, before the models that it names are known. Its format:
/// `docs/pipelines.md`.
public struct PipelineDefinition: Sendable {
  /// An input of the pipeline.
  public struct Input: Sendable {
    public var name: String
    /// The datatype; if left out, the one that the consuming models require.
    public var datatype: DataType?
    /// Sizes that are open are -1.
    public var shape: [Int]?
  }

  /// A tensor on its way.
  public struct Connection: Sendable {
    public enum Source: Sendable {
      /// An input's name, or `STAGE.OUTPUT`.
      case named(String)
      case constant(Tensor)
    }

    public var source: Source
    public var cast: DataType?
    public var sizes: [Int]?
    /// In the file, from 1.
    public var line: Int
  }

  public struct Stage: Sendable {
    public var name: String
    public var model: String
    /// The newest when left out.
    public var version: Int?
    public var inputs: [(name: String, connection: Connection)]
    public var line: Int
  }

  public var name: String
  public var inputs: [Input]
  public var stages: [Stage]
  public var outputs: [(name: String, connection: Connection)]
}

/// Why a pipeline's file cannot be served.
public struct PipelineDefinitionError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  init(_ message: String) { description = message }

  /// - Parameters:
  ///   - place: the stage or output that is at fault.
  ///   - line: in the file, from 1.
  init(_ place: String = "", line: Int?, _ message: String) {
    description = (line.map { "line \($0): " } ?? "") + (place.isEmpty ? "" : place + ": ") + message
  }
}
