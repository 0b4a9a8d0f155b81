import Testing

import Scheduler

@Suite("What goes first")
struct PrecedenceTests {
  @Test("first come, first served, when nothing else tells requests apart")
  func firstCome() {
    var day = Timeline()
    day.place("ABCD")
    day.submit(each: "ABCD")
    day.finish()
    #expect(day.log == ["A", "B", "C", "D"])
  }

  // lane  |A===|C==|B==|      C's answer is wanted first
  @Test("the earliest deadline goes first, before all that has none")
  func deadlines() {
    var day = Timeline()
    day.place("ABCD")
    day.submit("A")
    day.submit("D")
    day.submit("B", deadline: 200)
    day.submit("C", deadline: 100)
    day.finish()
    #expect(day.log == ["A", "C", "B", "D"])
  }

  // lane  |A====|A=|B==|      B's 15 ms are left when it takes 18 in the mean and 10 at least
  @Test("what is expected to be late goes after all that can be in time")
  func expectedLate() {
    var day = Timeline()
    day.place("AB")
    day.learn("B", 10)
    day.learn("B", 50)
    for _ in 0..<100 { day.learn("A", 10) }
    day.submit("A")
    day.submit("B", deadline: 35)
    day.submit("A")
    day.end(after: 20)
    #expect(day.log == ["A", "A"])
    day.end(after: 1)
    #expect(day.log == ["A", "A", "B"])
  }

  @Test("a lower priority number goes first; a deadline goes before any")
  func priorities() {
    var day = Timeline()
    day.place("ABCD")
    day.submit("A")
    day.submit("B", priority: 1)
    day.submit("C", priority: 0)
    day.submit("D", priority: 9, deadline: 1000)
    day.finish()
    #expect(day.log == ["A", "D", "C", "B"])
  }

  // B waits for half of maxDelay; from then on it goes before what came with a better priority.
  @Test("under lasting load of a better priority a request waits no longer than half of maxDelay and one run")
  func maxDelay() {
    var day = Timeline { $0.maxDelay = 1_000_000_000 }
    day.place("AB")
    day.submit("A")
    day.submit("B", priority: 1)
    for _ in 0..<200 where !day.log.contains("B") {
      day.submit("A")
      day.end(after: 10)
    }
    let waited = (day.log.firstIndex(of: "B") ?? .max) * 10
    #expect(waited >= 500 && waited <= 520, "\(waited) ms")
  }

  @Test(
    "what has waited too long goes before a deadline that is further away than its bound, and after a nearer one"
  )
  func overdueAndDeadlines() {
    var day = Timeline { $0.maxDelay = 1_000_000_000 }
    day.place("ABCD")
    day.submit("A")
    day.submit("B")
    day.pass(600)
    day.submit("C", deadline: 5000)
    day.submit("D", deadline: 100)
    day.finish()
    #expect(day.log == ["A", "D", "B", "C"])
  }

  @Test("tenants take turns, however much one asks for")
  func tenants() {
    var day = Timeline()
    day.place("AB")
    day.learn("A", 10)
    day.learn("B", 10)
    day.submit("A", tenant: "greedy")
    for _ in 0..<6 { day.submit("A", tenant: "greedy") }
    for _ in 0..<3 { day.submit("B", tenant: "modest") }
    for _ in 0..<6 { day.end(after: 10) }
    #expect(day.log.count { $0 == "B" } == 3)
  }

  // greedy's runs take 40 ms, modest's 10: of 400 ms each gets about half.
  @Test("tenants get equal time where their requests cost unequal time")
  func unequalCosts() {
    var day = Timeline()
    day.place("AB")
    for _ in 0..<20 {
      day.learn("A", 40)
      day.learn("B", 10)
    }
    day.submit("A", tenant: "dear")
    for _ in 0..<50 {
      day.submit("A", tenant: "dear")
      day.submit("B", tenant: "cheap")
      day.submit("B", tenant: "cheap")
    }
    for _ in 0..<50 { day.end(after: day.running.first?.model == "A" ? 40 : 10) }
    let (dear, cheap) = (day.log.count { $0 == "A" } * 40, day.log.count { $0 == "B" } * 10)
    #expect(abs(dear - cheap) <= 120, "\(dear) and \(cheap) ms")
  }

  @Test("priority goes before a tenant's turn")
  func priorityBeforeTurn() {
    var day = Timeline()
    day.place("AB")
    day.submit("A", tenant: "x")
    for _ in 0..<3 { day.submit("A", tenant: "x") }
    for _ in 0..<3 { day.submit("B", tenant: "y", priority: 1) }
    day.finish()
    #expect(day.log == ["A", "A", "A", "A", "B", "B", "B"])
  }

  @Test("resident models go before others, within a tenant")
  func residentFirst() {
    var day = Timeline()
    day.place("AC")
    // D's weights come in while A runs.
    day.submit(each: "ADBC")
    day.finish()
    #expect(day.log == ["A", "D", "C", "B"])
  }

  @Test("a tenant's turn goes before what is resident")
  func turnBeforeResident() {
    var day = Timeline()
    day.place("A")
    day.learn("A", 10)
    day.submit("A", tenant: "x")
    for _ in 0..<4 { day.submit("A", tenant: "x") }
    day.submit("B", tenant: "y")
    day.end(after: 10)
    day.end(after: 10)
    day.end(after: 10)
    #expect(day.log.contains("B"))
  }
}
