import Settings
import Testing

@Suite("The standard limits")
struct MemorySharesTests {
  @Test("together they fit the memory", arguments: [128, 192, 256, 512, 1024, 4096, 1 << 20])
  func fit(mebibytes: Int) {
    let memory = mebibytes << 20
    let shares = MemoryShares(of: memory)
    #expect(shares.sum <= memory)
    for part in [shares.budget, shares.plans, shares.models, shares.requests, shares.queue] {
      #expect(part > 0)
    }
    #expect(shares.connections >= 16)
  }

  @Test("of 512 MiB, the budget has 192")
  func example() {
    let shares = MemoryShares(of: 512 << 20)
    // Less than 1 MiB remains of what the connections could have.
    #expect(shares.budget >> 20 == 192)
    #expect(shares.plans >> 20 == 48)
    #expect(shares.models >> 20 == 24)
    #expect(shares.connections == 102)
    #expect(shares.sum >> 20 == 463)
  }

  @Test("of a memory that is too small for the program, no part is negative")
  func tiny() {
    for memory in [0, 1, 32 << 20] { #expect(MemoryShares(of: memory).budget >= 0) }
  }
}
