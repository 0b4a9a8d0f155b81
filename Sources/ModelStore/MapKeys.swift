import Tensors

extension ModelMetadata {
  /// The keys of the maps that an output stands for, in the order of the columns of its scores: in JSON a list.
  public enum MapKeys: Sendable, Hashable {
    case integers([Int64])
    case strings([String])

    public var count: Int {
      switch self {
      case .integers(let keys): keys.count
      case .strings(let keys): keys.count
      }
    }

    public var elementType: ElementType {
      switch self {
      case .integers: .int64
      case .strings: .string
      }
    }

    /// The keys as a tensor with one axis.
    var tensor: Tensor {
      get throws {
        switch self {
        case .integers(let keys): try Tensor(keys, shape: [count])
        case .strings(let keys): try Tensor(strings: keys, shape: [count])
        }
      }
    }
  }
}

extension ModelMetadata.MapKeys: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let integers = try? container.decode([Int64].self) {
      self = .integers(integers)
    } else {
      self = .strings(try container.decode([String].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integers(let keys): try container.encode(keys)
    case .strings(let keys): try container.encode(keys)
    }
  }
}
