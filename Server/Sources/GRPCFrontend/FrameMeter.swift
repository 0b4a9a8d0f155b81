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
  /// No frame has come yet.
  private var isNew = true
  /// A list of header fields goes on in the next frame.
  private var isInHeaderBlock = false
  /// The number of frames, and lists of header fields, that have arrived completely.
  package private(set) var completed: UInt64 = 0

  package init() {}

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
    if missing == 0 { ended() }
  }

  private mutating func ended() {
    if case .payload = part {
      isNew = false
      if !isInHeaderBlock { completed &+= 1 }
    }
    part = .frameHeader
  }
}
