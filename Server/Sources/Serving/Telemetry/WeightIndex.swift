import Device
import Linker
import Residency

/// The weights of the models that are open, by who holds them: extents with the same holders are one group.
public struct WeightIndex: Sendable {
  /// Extents that the same models hold.
  public struct Group: Sendable {
    /// In the order of names and versions.
    public var models: [ModelVersion]
    /// Page-rounded bytes of all of its extents, each once.
    public var byteCount = 0
    public var extents = 0
  }

  public private(set) var groups: [Group] = []
  private var groupOfExtent: [String: Int] = [:]
  private let identities: [ObjectIdentifier]

  public init(_ models: [LinkableModel] = []) {
    identities = models.map { ObjectIdentifier($0) }
    var holders: [String: [Int]] = [:]
    var sizes: [String: Int] = [:]
    let sorted = models.sorted { ModelVersion($0) < ModelVersion($1) }
    for (number, model) in sorted.enumerated() {
      for (name, extent) in zip(model.extentNames, model.file.extents) where holders[name]?.last != number {
        holders[name, default: []].append(number)
        sizes[name] = roundedToPages(extent.byteCount)
      }
    }
    var numbers: [[Int]: Int] = [:]
    for (name, models) in holders.sorted(by: {
      ($0.value.count, $0.value.first ?? 0) < ($1.value.count, $1.value.first ?? 0)
    }) {
      let number = numbers[models] ?? groups.count
      if number == groups.count {
        numbers[models] = number
        groups.append(Group(models: models.map { ModelVersion(sorted[$0]) }))
      }
      groups[number].byteCount += sizes[name] ?? 0
      groups[number].extents += 1
      groupOfExtent[name] = number
    }
  }

  /// Returns true if the index is of exactly these models.
  public func covers(_ models: [LinkableModel]) -> Bool { identities == models.map { ObjectIdentifier($0) } }

  /// The group that an extent is in; `nil` when no open model holds it.
  public func group(of extent: String) -> Int? { groupOfExtent[extent] }
}
