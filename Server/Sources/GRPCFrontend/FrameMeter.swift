/// Follows the frames of one HTTP/2 connection while a client's bytes arrive (RFC 9113, 4.1): as much as tells whether the
/// client owes the rest of something that is to come at once.
package struct FrameMeter {
  private enum Part {
    /// The bytes with which every client begins.
    case preface
    case frameHeader
    case payload(isData: Bool)
  }

  private static let prefaceBytes = 24
  private static let headerBytes = 9

  private var part = Part.preface
  /// Bytes that are missing of the preface or of a payload.
  private var missing = FrameMeter.prefaceBytes
  private var header: [UInt8] = []
  /// ``pending`` when the frame began.
  private var frameStart = 0
  /// No frame has come yet.
  private var isNew = true
  /// A list of header fields goes on in the next frame.
  private var isInHeaderBlock = false
  /// The number of frames, and lists of header fields, that have arrived completely.
  package private(set) var completed: UInt64 = 0

  package init() {}

  /// The memory of headers beyond ``freeBytes``: the transport's buffers grow by powers of two, and one of them stays as large
  /// as the largest frame was.
  package var countedBytes: Int { max(0, 2 * max(pending, largestFrame) - FrameMeter.freeBytes) }

  /// The part of the connection's own share: headers of up to 4 KiB.
  package static let freeBytes = 8 << 10

  /// The bytes of the frame, or list of header fields, that is not complete. Bytes of bodies are handed on as they arrive.
  package private(set) var pending = 0
  /// The most bytes of one frame so far, bodies excepted.
  package private(set) var largestFrame = 0

  /// True while the preface, or a frame or list of header fields that has begun, is not complete; bodies take their time.
  package var isOwed: Bool {
    switch part {
    case .preface: true
    case .frameHeader: isNew || isInHeaderBlock || !header.isEmpty
    case .payload(let isData): !isData
    }
  }

  package mutating func take(_ bytes: UnsafeRawBufferPointer) {
    var position = 0
    while position < bytes.count {
      switch part {
      case .preface, .payload:
        let count = min(missing, bytes.count - position)
        if case .payload(isData: false) = part { pending += count }
        position += count
        missing -= count
        if missing == 0 { ended() }
      case .frameHeader:
        let count = min(FrameMeter.headerBytes - header.count, bytes.count - position)
        header.append(contentsOf: bytes[position..<position + count])
        position += count
        if header.count == FrameMeter.headerBytes { begin() }
      }
    }
  }

  private mutating func begin() {
    missing = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
    let (type, flags) = (header[3], header[4])
    header.removeAll(keepingCapacity: true)
    // HEADERS and CONTINUATION, until one has the flag END_HEADERS.
    if type == 1 || type == 9 { isInHeaderBlock = flags & 4 == 0 }
    part = .payload(isData: type == 0)
    frameStart = pending
    if missing == 0 { ended() }
  }

  private mutating func ended() {
    if case .payload = part {
      isNew = false
      largestFrame = max(largestFrame, pending - frameStart)
      if !isInHeaderBlock {
        completed &+= 1
        pending = 0
      }
    }
    part = .frameHeader
  }
}
