import Testing

import Tensors

/// Tensors of texts.
@Suite struct StringTensorTests {
  private let words = ["a", "été", "", "日本語"]

  @Test func textsComeBack() throws {
    let tensor = try Tensor(strings: words, shape: [2, 2])
    #expect(tensor.strings == words)
    #expect(tensor.elementType == .string)
    #expect(tensor.byteCount == 32)
    #expect(tensor.memoryBytes > 32 + words.joined().utf8.count)
  }

  /// Bytes that are not UTF-8 stay as they are.
  @Test func bytesComeBack() throws {
    let bytes: [[UInt8]] = [[0xff, 0], [], [0xc3]]
    #expect(try Tensor(bytesOf: bytes, shape: [3]).stringBytes == bytes)
  }

  @Test func textsAreAsManyAsElements() {
    #expect(throws: TensorError.self) { try Tensor(strings: ["a"], shape: [2]) }
  }

  /// Tensors are equal by their texts, whatever their tables are.
  @Test func equalityIsByText() throws {
    let (a, b) = (try Tensor(strings: words, shape: [4]), try Tensor(strings: words.reversed(), shape: [4]))
    #expect(a == (try Tensor(strings: words, shape: [4])))
    #expect(a != b)
    #expect(a != (try Tensor(strings: words, shape: [2, 2])))
    let table = StringTable()
    let (x, y) = (try table.add(Array("x".utf8)), try table.add(Array("x".utf8)))
    #expect(x != y)
    #expect(
      try Tensor(handles: [x], of: table, shape: [1]) == (try Tensor(handles: [y], of: table, shape: [1])))
  }

  @Test func rowsAreSlicedAndStacked() throws {
    let (a, b) = (
      try Tensor(strings: ["a", "b"], shape: [2, 1]), try Tensor(strings: ["", "é"], shape: [2, 1])
    )
    let all = try Tensor(rowsOf: [a, b])
    #expect(all.strings == ["a", "b", "", "é"])
    #expect(try all.rows(1..<3, of: 4).strings == ["b", ""])
    #expect(try Tensor(stacking: [a, b], along: 1).strings == ["a", "", "b", "é"])
    #expect(try all.element(3, along: 0).strings == ["é"])
    #expect(try Tensor(joining: [a, b], along: 1, shape: [2, 2]).strings == ["a", "", "b", "é"])
    #expect(try all.part(1..<4, along: 0).strings == ["b", "", "é"])
    #expect(try all.reshaped(to: [2, 2]).strings == all.strings)
  }

  /// A text that many elements share is copied to another table once.
  @Test func sharedTextsAreCopiedOnce() throws {
    let (source, target) = (StringTable(), StringTable())
    let handle = try source.add([UInt8](repeating: 65, count: 1 << 20))
    let tensor = try Tensor(handles: [UInt64](repeating: handle, count: 1000), of: source, shape: [1000])
    let copies = try #require(try tensor.handles(in: target))
    #expect(Set(copies).count == 1)
    #expect(target.byteCount < 2 << 20)
  }

  /// Handles that the table does not have are the empty text.
  @Test func foreignHandlesAreEmpty() throws {
    let table = StringTable()
    for handle: UInt64 in [1, 1 << 39, 1 << 40, 1 << 40 | 1, .max] { #expect(table[handle] == []) }
    let place = table.attach(StringConstant(StringList(["x"])))
    #expect(table[place + 1] == Array("x".utf8))
    #expect(table[place + 2] == [])
    #expect(table[place] == [])
  }

  @Test func constantsAreAttachedOnce() {
    let (table, constant) = (StringTable(), StringConstant(StringList(["x"])))
    #expect(table.attach(constant) == table.attach(constant))
    #expect(table.byteCount == 0)
  }

  /// A table asks before it grows, and not after it was sealed.
  @Test func tablesAskForMemory() throws {
    struct Full: Error {}
    var asked: [Int] = []
    let table = StringTable(growing: { bytes in
      guard bytes < 30_000 else { throw Full() }
      asked.append(bytes)
    })
    let text = [UInt8](repeating: 65, count: 1000)
    for _ in 0..<8 { _ = try table.add(text) }
    #expect((2...8).contains(asked.count))
    #expect(asked.last == table.byteCount)
    #expect(throws: Full.self) { for _ in 0..<16 { _ = try table.add(text) } }
    table.seal()
    _ = try table.add(text)
  }

  /// Files have texts as NumPy writes them: of Unicode's scalars, or of bytes that are not UTF-8.
  @Test(
    arguments: [[Array("a".utf8), [], Array("日本🙂".utf8)], [[0xff, 0x41], [0x42], []], []] as [[[UInt8]]])
  func filesHaveTexts(texts: [[UInt8]]) throws {
    let kind = NPYTexts(texts)
    #expect(NPYTexts(kind.description)?.texts(Array(kind.data(texts))[...], count: texts.count) == texts)
    #expect(NPYTexts(kind.description)?.texts([], count: 1) == nil)
    for description in ["<U0", "<U-1", "|S", "<U9999999999999999999", "|O8"] {
      #expect(NPYTexts(description) == nil)
    }
  }

  @Test func listsAreChecked() {
    #expect(StringList(bytes: [65, 66], ends: [1, 2])?.texts == ["A", "B"])
    for ends in [[], [1], [2, 1], [1, 3], [-1, 2]] {
      #expect(StringList(bytes: [65, 66], ends: ends) == nil)
    }
  }
}
