import Device
import Linker
import Testing

import Executor

@Suite("What a plan learns of its rests")
struct LearnedMemoryTests {
  private func plan(_ bench: TestBench) throws -> Plan {
    try bench.planner.plan(bench.models.chain("A", seeds: [1]), inputs: [(.float32, [1, 128])])
  }

  @Test("a need within the limit is remembered, one above it is not")
  func limit() throws {
    let bench = try TestBench()
    defer { bench.models.remove() }
    let plan = try plan(bench)
    let own = plan.ownMemory
    let fitting = MemberMemory(arenaBytes: 20 * pageSize, requestBytes: 10 * pageSize)
    plan.learn(fitting, limit: 30 * pageSize)
    #expect(plan.memberMemory == fitting)
    plan.learn(MemberMemory(arenaBytes: 21 * pageSize, requestBytes: 10 * pageSize), limit: 30 * pageSize)
    plan.learn(MemberMemory(arenaBytes: .max, requestBytes: .max), limit: 30 * pageSize)
    #expect(plan.memberMemory == fitting)
    plan.forget()
    #expect(plan.memberMemory == own)
  }

  @Test("needs that fit alone and not together: the last one is remembered")
  func apart() throws {
    let bench = try TestBench()
    defer { bench.models.remove() }
    let plan = try plan(bench)
    plan.learn(MemberMemory(arenaBytes: 20 * pageSize, requestBytes: pageSize), limit: 30 * pageSize)
    plan.learn(MemberMemory(arenaBytes: 8 * pageSize, requestBytes: 10 * pageSize), limit: 30 * pageSize)
    #expect(plan.memberMemory == MemberMemory(arenaBytes: 20 * pageSize, requestBytes: 10 * pageSize))
    plan.learn(MemberMemory(arenaBytes: 2 * pageSize, requestBytes: 25 * pageSize), limit: 30 * pageSize)
    #expect(plan.memberMemory == MemberMemory(arenaBytes: 2 * pageSize, requestBytes: 25 * pageSize))
  }
}
