import Testing

import Scheduler

@Suite("The order in which plans are made")
struct PlanningOrderTests {
  private func all(_ order: inout PlanningOrder<String>) -> [String] {
    var result: [String] = []
    while let next = order.next() { result.append(next) }
    return result
  }

  @Test("tenants take turns, and of a tenant its models; a model's plans keep their order")
  func turns() {
    var order = PlanningOrder<String>()
    let (a, b) = (ModelID(rawValue: 1), ModelID(rawValue: 2))
    for number in 1...3 { order.add("xA\(number)", tenant: "x", model: a) }
    for number in 1...2 { order.add("xB\(number)", tenant: "x", model: b) }
    order.add("yA1", tenant: "y", model: a)
    let result = all(&order)
    #expect(result == ["xA1", "yA1", "xB1", "xA2", "xB2", "xA3"])
  }

  @Test("one that comes into a long queue is planned after one plan of each who waits")
  func burst() {
    var order = PlanningOrder<String>()
    for number in 0..<1000 { order.add("burst", tenant: "x", model: ModelID(rawValue: UInt64(number % 7))) }
    let first = order.next()
    order.add("late", tenant: "y", model: ModelID(rawValue: 1))
    let rest = all(&order)
    #expect(first == "burst")
    #expect(rest.prefix(2).contains("late"))
    #expect(rest.count == 1000)
  }
}
