import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A compiled model's description of itself, for people and for programs that select models.
public struct ModelMetadata: Sendable, Hashable, Codable {
  /// One input or output of the model.
  public struct TensorDeclaration: Sendable, Hashable, Codable {
    public var name: String
    /// `nil` when it is not known.
    public var elementType: ElementType?
    /// `nil` when even the rank is not known.
    public var dimensions: [DeclaredSize]?
    /// The contents of a sequence or an optional; `nil` for a tensor, and where nothing is known of them.
    public var contents: Contents?
    /// The keys of the maps whose scores the output has in its columns; `nil` for an output that is no map.
    public var mapKeys: MapKeys?

    public init(
      name: String, elementType: ElementType?, dimensions: [DeclaredSize]?, contents: Contents? = nil,
      mapKeys: MapKeys? = nil
    ) {
      self.name = name
      self.elementType = elementType
      self.dimensions = dimensions
      self.contents = contents
      self.mapKeys = mapKeys
    }
  }

  /// The tensors in a sequence or an optional.
  public struct Contents: Sendable, Hashable, Codable {
    public var elementType: ElementType
    /// The dimensions that each of them has; `nil` when even the rank is not known.
    public var dimensions: [DeclaredSize]?
    /// True for an optional tensor, which holds at most one.
    public var isOptional: Bool
    /// True if the model asks whether the input is there, so that a request may leave it out.
    public var mayBeAbsent: Bool

    public init(
      elementType: ElementType, dimensions: [DeclaredSize]?, isOptional: Bool, mayBeAbsent: Bool
    ) {
      self.elementType = elementType
      self.dimensions = dimensions
      self.isOptional = isOptional
      self.mayBeAbsent = mayBeAbsent
    }
  }

  public var name: String
  /// The version that the store opened; 0 in a file that is in no store.
  public var version: Int
  /// The target's text: the model runs where it equals the device's.
  public var target: String
  /// The newest opset of ONNX's own domain that the source asks for.
  public var opset: Int
  /// The program that wrote the source.
  public var producer: String
  /// The identity of the source, ``ContentHash/init(ofFiles:)``: the `.onnx` file, then all its external data files.
  public var sourceHash: ContentHash
  /// The path of the source at the time the model was added.
  public var sourcePath: String
  public var inputs: [TensorDeclaration]
  public var outputs: [TensorDeclaration]
  /// The shapes that were declared when the model was added, as they were written, by input.
  public var declaredShapes: [String: String]
  /// The form of the large weights, when it is not that of the source: `bf16`, `f16` or `int8`.
  public var weights: String?
  /// Remarks of the compiler; `nil` if there are none.
  public var notes: [String]?
  /// Counts for summaries, by name: nodes before and after, folded, fused, weights, bytes.
  public var statistics: [String: Int]
  public var createdAt: Date

  public init(
    name: String, version: Int = 0, target: String, opset: Int, producer: String = "",
    sourceHash: ContentHash, sourcePath: String, inputs: [TensorDeclaration], outputs: [TensorDeclaration],
    declaredShapes: [String: String] = [:], weights: String? = nil, notes: [String] = [],
    statistics: [String: Int] = [:], createdAt: Date = Date()
  ) {
    self.name = name
    self.version = version
    self.target = target
    self.opset = opset
    self.producer = producer
    self.sourceHash = sourceHash
    self.sourcePath = sourcePath
    self.inputs = inputs
    self.outputs = outputs
    self.declaredShapes = declaredShapes
    self.weights = weights
    self.notes = notes.isEmpty ? nil : notes
    self.statistics = statistics
    self.createdAt = createdAt
  }
}

extension ModelMetadata {
  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }

  static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }
}
