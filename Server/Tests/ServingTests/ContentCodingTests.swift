import InferenceProtocol
import NIOCore
import Serving
import Testing

@Suite(.timeLimit(.minutes(5))) struct ContentCodingTests {
  @Test(arguments: [ContentCoding.gzip, .deflate])
  func whatIsCompressedIsDecompressed(_ coding: ContentCoding) throws {
    let parts = [ByteBuffer(string: "abc"), ByteBuffer(repeating: 9, count: 1 << 20), ByteBuffer()]
    let compressed = try coding.compress(parts)
    let account = ByteAccount(limit: 4 << 20)
    do {
      let held = HeldBytes(account)
      let result = try coding.decompress(compressed, limit: 2 << 20, holding: held)
      #expect(result.readableBytes == 3 + 1 << 20)
      #expect(result.getString(at: 0, length: 3) == "abc")
      #expect(throws: (any Error).self) {
        try coding.decompress(compressed, limit: 1 << 20, holding: HeldBytes(account))
      }
    }
    // All that was taken has been given back.
    #expect(account.usedBytes == 0)
  }

  @Test func aBodyThatIsCutOffOrNotCompressedIsRefused() throws {
    let compressed = try ContentCoding.gzip.compress([ByteBuffer(repeating: 9, count: 100)])
    let held = HeldBytes(ByteAccount(limit: 4 << 20))
    for bytes in [
      compressed.getSlice(at: 0, length: compressed.readableBytes - 1) ?? ByteBuffer(), ByteBuffer(),
      ByteBuffer(string: "plain"), ByteBuffer(bytes: Array(compressed.readableBytesView) + [0]),
    ] {
      #expect(throws: (any Error).self) {
        try ContentCoding.gzip.decompress(bytes, limit: 1000, holding: held)
      }
    }
  }

  @Test func whatDoesNotFitBesideOthersIsRefusedBeforeItIsMade() throws {
    let compressed = try ContentCoding.gzip.compress([ByteBuffer(repeating: 0, count: 8 << 20)])
    let held = HeldBytes(ByteAccount(limit: 1 << 20))
    #expect(throws: AccountFull.self) {
      try ContentCoding.gzip.decompress(compressed, limit: 16 << 20, holding: held)
    }
  }

  @Test func theFirstCodingThatIsAcceptedIsUsed() {
    #expect(ContentCoding(acceptEncoding: "br, deflate;q=0.5, gzip") == .deflate)
    #expect(ContentCoding(acceptEncoding: "gzip;q=0, br") == nil)
    #expect(ContentCoding(acceptEncoding: nil) == nil)
  }
}
