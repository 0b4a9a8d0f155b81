import ModelStore
import Testing

@Test func sizesAreReadAsPeopleWriteThem() {
  let sizes = [
    "64MiB": 64 << 20, "64MB": 64_000_000, "64 mib": 64 << 20, "1.5GiB": 3 << 29, "4k": 4096,
    "1048576": 1 << 20,
    "12B": 12, "0": 0,
  ]
  for (text, bytes) in sizes { #expect(ByteSize(parsing: text)?.bytes == bytes, "\(text)") }
  for text in ["", "MiB", "many", "-1", "1e3", "nan", "inf", "64MiBs", "0x10", "99999999999TiB", "1..2MiB"] {
    #expect(ByteSize(parsing: text) == nil, "\(text)")
  }
}

@Test func sizesAreWrittenInTheLargestUnitThatFits() {
  let texts = [(0, "0B"), (1023, "1023B"), (1536, "1.5KiB"), (64 << 20, "64MiB"), (3 << 29, "1.5GiB")]
  for (bytes, text) in texts { #expect(ByteSize(bytes: bytes).description == text) }
  #expect(ByteSize(bytes: .max).description.hasSuffix("GiB"))
  #expect(ByteSize(bytes: 1 << 20).exact == "1MiB (1048576 bytes)" && ByteSize(bytes: 7).exact == "7 bytes")
}
