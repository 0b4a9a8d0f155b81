import Linker

/// Names one version of a model among what is counted.
public struct ModelVersion: Hashable, Sendable, Comparable {
  public var name: String
  public var version: Int

  public init(_ name: String, _ version: Int) {
    self.name = name
    self.version = version
  }

  public init(_ model: LinkableModel) { self.init(model.name, model.version) }

  public static func < (left: ModelVersion, right: ModelVersion) -> Bool {
    (left.name, left.version) < (right.name, right.version)
  }
}
