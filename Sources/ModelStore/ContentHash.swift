import CHost

/// The SHA-256 of some bytes: it names them.
public struct ContentHash: Hashable, Sendable {
  /// Bytes that a hash takes.
  public static let byteCount = 32

  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// Hashes bytes.
  public init(of bytes: UnsafeRawBufferPointer) {
    var hasher = ContentHasher()
    hasher.update(bytes)
    self = hasher.finish()
  }

  /// Hashes bytes.
  public init(of bytes: [UInt8]) { self = bytes.withUnsafeBytes { ContentHash(of: $0) } }

  /// Names several files by all their bytes: one file by its own hash, several by the hash of their hashes, in order.
  public init(ofFiles hashes: [ContentHash]) {
    self = hashes.count == 1 ? hashes[0] : ContentHash(of: hashes.flatMap(\.bytes))
  }

  /// Takes a hash's own bytes; `nil` unless there are 32 of them.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == ContentHash.byteCount else { return nil }
    var words: [UInt64] = [0, 0, 0, 0]
    for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
    self.words = (words[0], words[1], words[2], words[3])
  }

  /// Reads 64 hexadecimal digits.
  public init?(_ text: String) {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text {
      guard let digit = character.hexDigitValue, bytes.count < ContentHash.byteCount else { return nil }
      if let first = high {
        bytes.append(first << 4 | UInt8(digit))
        high = nil
      } else {
        high = UInt8(digit)
      }
    }
    guard high == nil else { return nil }
    self.init(bytes: bytes)
  }

  /// The hash's own 32 bytes.
  public var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
    }
  }

  public static func == (left: ContentHash, right: ContentHash) -> Bool { left.words == right.words }

  public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension ContentHash: CustomStringConvertible {
  public var description: String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

extension ContentHash: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let hash = ContentHash(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not 64 hexadecimal digits")
    }
    self = hash
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// Hashes bytes given in parts.
public struct ContentHasher: Sendable {
  private var state = fi_sha256()

  public init() { fi_sha256_init(&state) }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    fi_sha256_update(&state, bytes.baseAddress, bytes.count)
  }

  /// The hash of all parts so far.
  public func finish() -> ContentHash {
    var state = state
    var digest = [UInt8](repeating: 0, count: ContentHash.byteCount)
    fi_sha256_finish(&state, &digest)
    guard let hash = ContentHash(bytes: digest) else { preconditionFailure("a SHA-256 has 32 bytes") }
    return hash
  }
}
