import GRPCFrontend
import Testing

/// Frames of RFC 9113, 4.1: three bytes of length, type, flags, four bytes of stream, payload.
@Suite struct FrameMeterTests {
  private let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private func frame(_ type: UInt8, flags: UInt8 = 0, _ length: Int, stream: UInt8 = 1) -> [UInt8] {
    [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags, 0, 0, 0, stream]
      + Array(repeating: 9, count: length)
  }

  @Test(arguments: [1, 2, 7, 1000]) func onlyWhatIsCompleteIsNotOwed(pieceBytes: Int) {
    let settings = frame(4, 12, stream: 0)
    let headers = frame(1, 300) + frame(9, 20) + frame(9, flags: 4, 0)
    let whole = frame(1, flags: 4, 5)
    // Something is owed after each byte, but not in bodies and in the pauses between frames.
    var expected = Array(repeating: true, count: preface.count + settings.count - 1) + [false]
    expected += Array(repeating: true, count: headers.count - 1) + [false]
    expected += Array(repeating: true, count: whole.count - 1) + [false]
    let data = frame(0, 50)
    expected += Array(repeating: true, count: 8) + Array(repeating: false, count: 51)
    let bytes = preface + settings + headers + whole + data
    var meter = FrameMeter()
    #expect(meter.isOwed)
    for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
      let end = min(start + pieceBytes, bytes.count)
      Array(bytes[start..<end]).withUnsafeBytes { meter.take($0) }
      #expect(meter.isOwed == expected[end - 1], "after \(end) bytes")
    }
    // The settings, two lists of header fields, and the data.
    #expect(meter.completed == 4)
  }
}
