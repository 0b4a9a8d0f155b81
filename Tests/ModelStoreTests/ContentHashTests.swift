import CHost
import ModelStore
import Testing

/// Digests that Python's hashlib computed: `sha256(bytes(i * 7 % 256 for i in range(n)))`.
@Suite(.serialized) struct ContentHashTests {
  static let digests: [(Int, String)] = [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (55, "576a1bf8d4478657e6dc4af9398544765c2a92cde28478b019235cfed315fc09"),
    (56, "9b20501dfd1d99161c257950f3444f3e49230c351c5c8e0943ef369f85f5205d"),
    (63, "30b345906b493f06f69444b6521113511c242f30e29840462950035043682f1e"),
    (64, "d8bc63b4fc1156e5e7d95a418b9bf54cd3174bedbc2db40f74895349b229b3c0"),
    (65, "1ee23b0fbcaecc1aff4a9e8f1645f35ab2c8e13609cd73b68df8b5e3f63ce073"),
    (119, "7a6589821178918ca8d9edaba5abfc1e9b2669564f4469b66885379c1530b2c8"),
    (120, "655250427d56b1b0eeb8497d21428704273458a01772d6881b65c0abac0f8a98"),
    (1000, "89f4ff56a25dd1db06a4ce6033603775d705fb96f30f8693733fef602a1ca532"),
    (65539, "cb1f86c2385cbb8b357e8acb1fec44f01c8079587ad03e996794fd0e646caa70"),
  ]

  @Test(arguments: [true, false], digests)
  func digestsAreHashlibs(usesInstructions: Bool, digest: (Int, String)) throws {
    fi_sha256_use_instructions(usesInstructions)
    defer { fi_sha256_use_instructions(true) }
    let bytes = (0..<digest.0).map { UInt8($0 * 7 % 256) }
    #expect(ContentHash(of: bytes).description == digest.1)
    for cut in [1, 55, 63, 64, 65, 200] where cut <= bytes.count {
      var hasher = ContentHasher()
      bytes[..<cut].withUnsafeBytes { hasher.update($0) }
      bytes[cut...].withUnsafeBytes { hasher.update($0) }
      #expect(hasher.finish().description == digest.1)
    }
    #expect(ContentHash(digest.1) == ContentHash(of: bytes))
    #expect(ContentHash(bytes: ContentHash(of: bytes).bytes) == ContentHash(of: bytes))
  }

  @Test(arguments: ["", "12", String(repeating: "a", count: 63), String(repeating: "g", count: 64)])
  func whatIsNoDigestIsRefused(text: String) { #expect(ContentHash(text) == nil) }

  @Test func aDigestOfTheWrongLengthIsRefused() {
    #expect(ContentHash(String(repeating: "a", count: 66)) == nil)
    #expect(ContentHash(bytes: [UInt8](repeating: 0, count: 31)) == nil)
    #expect(ContentHash(bytes: [UInt8](repeating: 0, count: 33)) == nil)
  }
}
