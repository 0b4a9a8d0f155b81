import GRPCFrontend
import InferenceProtocol
import NIOCore
import Serving
import Testing

@Suite struct MessageUnpackerTests {
  private func message(_ payload: ByteBuffer, isCompressed: Bool) -> ByteBuffer {
    var result = ByteBuffer()
    result.writeInteger(isCompressed ? 1 : 0 as UInt8)
    result.writeInteger(UInt32(payload.readableBytes))
    result.writeImmutableBuffer(payload)
    return result
  }

  @Test(arguments: [ContentCoding.gzip, .deflate], [1, 3, 1 << 20])
  func messagesComeOutAsTheyWereBeforeTheirCompression(coding: ContentCoding, pieceBytes: Int) throws {
    let held = HeldBytes(ByteAccount(limit: 8 << 20))
    var unpacker = MessageUnpacker(coding, limit: 1 << 20)
    let texts = [ByteBuffer(repeating: 5, count: 100_000), ByteBuffer(), ByteBuffer(string: "as it is")]
    var stream = message(try coding.compress([texts[0]]), isCompressed: true)
    stream.writeImmutableBuffer(message(texts[1], isCompressed: false))
    stream.writeImmutableBuffer(message(texts[2], isCompressed: false))
    var result = ByteBuffer()
    while let piece = stream.readSlice(length: min(pieceBytes, stream.readableBytes)), piece.readableBytes > 0
    {
      result.writeImmutableBuffer(try unpacker.take(piece, holding: held))
    }
    #expect(unpacker.pending == 0)
    var expected = ByteBuffer()
    for text in texts { expected.writeImmutableBuffer(message(text, isCompressed: false)) }
    #expect(result == expected)
  }

  @Test func aMessageThatBecomesTooLargeIsRefused() throws {
    let account = ByteAccount(limit: 64 << 20)
    let bomb = try ContentCoding.gzip.compress([ByteBuffer(repeating: 0, count: 16 << 20)])
    do {
      var unpacker = MessageUnpacker(.gzip, limit: 1 << 20)
      let held = HeldBytes(account)
      do {
        _ = try unpacker.take(message(bomb, isCompressed: true), holding: held)
        Issue.record("16 MiB are taken where 1 MiB may be")
      } catch let error as ServiceError { #expect(error.kind == .tooLarge) }
      // Little more than the limit was ever there.
      #expect(account.usedBytes <= 2 << 20)
    }
    #expect(account.usedBytes == 0)
    var announced = MessageUnpacker(.gzip, limit: 100)
    #expect(throws: ServiceError.self) {
      try announced.take(ByteBuffer(bytes: [1, 0, 0, 0, 101]), holding: HeldBytes(account))
    }
  }

  @Test func whatIsNotCompressedAsItSaysIsRefused() {
    var unpacker = MessageUnpacker(.gzip, limit: 1 << 20)
    #expect(throws: ProtocolError.self) {
      try unpacker.take(
        message(ByteBuffer(string: "plain"), isCompressed: true),
        holding: HeldBytes(ByteAccount(limit: 1 << 20)))
    }
  }

  /// 200 messages in one frame: each takes 256 KiB while it is decompressed, and its own size afterwards.
  @Test func manySmallMessagesInOnePieceHoldTheirSizes() throws {
    let account = ByteAccount(limit: 1 << 20)
    let held = HeldBytes(account)
    let small = try ContentCoding.gzip.compress([ByteBuffer(repeating: 7, count: 1000)])
    var stream = ByteBuffer()
    for _ in 0..<200 { stream.writeImmutableBuffer(message(small, isCompressed: true)) }
    var unpacker = MessageUnpacker(.gzip, limit: 1 << 20)
    let result = try unpacker.take(stream, holding: held)
    #expect(result.readableBytes == 200 * 1005)
    #expect(account.usedBytes == result.readableBytes)
  }

  /// Messages that have their size only together are refused, one after another or in one piece.
  @Test func messagesThatDoNotFitTogetherAreRefused() throws {
    let large = try ContentCoding.gzip.compress([ByteBuffer(repeating: 7, count: 400_000)])
    var stream = ByteBuffer()
    for _ in 0..<3 { stream.writeImmutableBuffer(message(large, isCompressed: true)) }
    var unpacker = MessageUnpacker(.gzip, limit: 1 << 20)
    #expect(throws: AccountFull.self) {
      try unpacker.take(stream, holding: HeldBytes(ByteAccount(limit: 1 << 20)))
    }
  }

  @Test func whatHasNoRoomBesideOthersIsRefused() throws {
    let account = ByteAccount(limit: 100_000)
    let text = try ContentCoding.gzip.compress([ByteBuffer(repeating: 0, count: 90_000)])
    var unpacker = MessageUnpacker(.gzip, limit: 1 << 20)
    #expect(throws: AccountFull.self) {
      try unpacker.take(message(text, isCompressed: true), holding: HeldBytes(account))
    }
  }
}
