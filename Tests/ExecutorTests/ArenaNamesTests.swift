import Device
import Executor
import Testing

@Suite("Names of arenas") struct ArenaNamesTests {
  @Test("programs that run at the same time share no arena; one that follows takes over an arena of its size")
  func names() {
    // A |=========|
    // B     |=========|
    // C               |====|   A has ended: its arena is free
    var names = ArenaNames()
    let a = names.begin([8 * pageSize, 8 * pageSize, 3 * pageSize])
    #expect(Set(a).count == 3)
    let b = names.begin([8 * pageSize])
    #expect(!a.contains(b[0]))
    names.end(a)
    let c = names.begin([3 * pageSize, 8 * pageSize])
    #expect(c == [a[2], a[0]])
    #expect(Set(b + c).count == 3)
  }

  @Test("arenas of different sizes never have one name")
  func sizes() {
    var names = ArenaNames()
    let taken = (0..<50).flatMap { pages in names.begin(Array(repeating: pages * pageSize, count: 20)) }
    #expect(Set(taken).count == 1000)
  }
}
