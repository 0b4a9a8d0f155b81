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

  @Test(arguments: [1, 7, 1 << 20]) func unfinishedHeadersAreCounted(pieceBytes: Int) {
    var meter = FrameMeter()
    func take(_ bytes: [UInt8]) {
      for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
        Array(bytes[start..<min(start + pieceBytes, bytes.count)]).withUnsafeBytes { meter.take($0) }
      }
    }
    // Small headers and all bodies are free.
    take(preface + frame(4, 12, stream: 0) + frame(1, flags: 4, 300) + frame(0, 100_000))
    #expect(meter.pending == 0 && meter.countedBytes == 0)
    take(frame(1, 10_000) + frame(9, 5000).dropLast())
    #expect(meter.pending == 14_999)
    #expect(meter.countedBytes == 2 * 14_999 - FrameMeter.freeBytes)
    // The list is complete; the transport keeps a buffer as large as the largest frame.
    take([9] + frame(9, flags: 4, 0))
    #expect(meter.pending == 0 && meter.countedBytes == 2 * 10_000 - FrameMeter.freeBytes)
  }
}
