import Scheduler
import Testing

@Suite("A pipeline is one request of the queue") struct PipelineQueueTests {
  @Test("it takes one place, however many stages it has")
  func onePlace() {
    var time = Timeline { $0.maxQueuedRequests = 2 }
    time.place("ABCDEF")
    time.submit("A")
    time.submit(pipeline: "BCD")
    time.submit("E")
    #expect(time.state.waitingRequests == 2)
    time.submit("F")
    time.submit(pipeline: "FF")
    #expect(time.log == ["A", "F?queue_full", "F?queue_full"])
  }

  @Test("a stage that waits for another takes no lane")
  func lanes() {
    // lane 1 |A====|B=|C=|
    // lane 2 |D=|E==|
    var time = Timeline(lanes: 2)
    time.place("ABCDE")
    time.submit(pipeline: "ABC")
    time.submit(each: "DE")
    #expect(time.log == ["A", "B", "C", "D"])
    time.end("D")
    #expect(time.log == ["A", "B", "C", "D", "E"])
    time.submit("D")
    time.end("A")
    time.end("B")
    #expect(time.log.count == 5)
    time.end("C")
    #expect(time.log.last == "D")
  }

  @Test("stages that are planned later do not queue behind those that came meanwhile")
  func continuation() {
    var time = Timeline()
    time.place("ABCDE")
    let pipeline = time.submit(pipeline: "ABC", planned: [0])
    time.submit(each: "DE")
    time.end("A")
    #expect(time.log == ["A", "D"])
    time.plan(pipeline, [1, 2])
    #expect(time.log == ["A", "D", "B", "C"])
    time.end("D")
    #expect(time.log.last == "C")
    time.end("B")
    time.end("C")
    time.finish(pipeline)
    #expect(time.log == ["A", "D", "B", "C", "E"])
    #expect(time.outcomes[pipeline] == 1)
  }

  @Test("it is expected to take a lane as long as all stages, and to be answered after its longest path")
  func expectations() {
    var time = Timeline(lanes: 2) { $0.maxDelay = 100_000_000 }
    time.place("ABCD")
    let learnt = time.submit(pipeline: "ABC", sources: [[], [], [0]], planned: [0, 1])
    time.end("A", after: 30)
    time.plan(learnt, [2])
    time.end("C", after: 20)
    time.end("B", after: 10)
    time.finish(learnt)
    // A 30, then C 20; B is 60 beside them.
    time.submit(pipeline: "ABC", sources: [[], [], [0]], deadline: 59)
    #expect(time.log.last == "A?deadline_unreachable")
    let inTime = time.submit(pipeline: "ABC", sources: [[], [], [0]], deadline: 61)
    #expect(time.log.suffix(3) == ["A", "B", "C"])
    time.submit(pipeline: "ABC", sources: [[], [], [0]])
    time.submit(pipeline: "ABC", sources: [[], [], [0]])
    // Two wait, of 110 each: 110 for each of two lanes.
    time.submit("D")
    #expect(time.log.last == "D?queue_full")
    time.finish()
    time.finish(inTime)
  }

  @Test("it is refused whole when its deadline passes while it waits")
  func late() {
    var time = Timeline()
    time.place("ABC")
    time.submit("A")
    let pipeline = time.submit(pipeline: "BC", deadline: 5)
    time.pass(6)
    #expect(time.log == ["A", "B?deadline_passed"])
    time.plan(pipeline, [0, 1])
    time.finish(pipeline)
    time.end("A")
    #expect(time.log == ["A", "B?deadline_passed"])
    #expect(time.outcomes[pipeline] == 1)
  }

  @Test("who goes away frees the place, and nothing of it runs")
  func cancelled() {
    var time = Timeline {
      $0.maxQueuedRequests = 1
      $0.maxQueuedBytes = 100
    }
    time.place("ABCD")
    time.submit("A")
    let pipeline = time.submit(pipeline: "BC", bytes: 100)
    time.cancel(pipeline, isWaiting: true)
    #expect(time.state.waitingBytes == 0)
    time.submit("D", bytes: 100)
    time.end("A")
    #expect(time.log == ["A", "D"])
    let running = time.submit(pipeline: "BC")
    time.end("D")
    time.cancel(running, isWaiting: false)
    #expect(time.log == ["A", "D", "B", "C"])
  }

  @Test("each of its models is drained when it has ended, and not between two of its programs")
  func drains() {
    var time = Timeline()
    let pipeline = time.submit(pipeline: "AB", planned: [0])
    time.change { state, _ in state.drained(Timeline.id("B"), named: "B") }
    time.change { state, _ in state.drainedAll() }
    time.end("A")
    #expect(time.drained.isEmpty)
    time.plan(pipeline, [1])
    time.end("B")
    #expect(time.drained.isEmpty)
    time.finish(pipeline)
    #expect(time.drained.contains(Timeline.id("B")) && time.drained.contains(nil))
  }

  @Test("it is refused while one of its models is being unloaded")
  func unloading() {
    var time = Timeline()
    time.submit("B")
    time.change { state, _ in state.drained(Timeline.id("B"), named: "B") }
    time.submit(pipeline: "AB")
    #expect(time.log == ["B", "A?draining"])
    time.end("B")
    time.submit(pipeline: "AB")
    #expect(time.log.suffix(2) == ["A", "B"])
  }

  @Test("its models are kept from its admission until nobody has used them for their time after its end")
  func keepAlive() {
    var time = Timeline { $0.keepAlive = 10_000_000 }
    let pipeline = time.submit(pipeline: "AB", planned: [0])
    time.end("A")
    time.pass(50)
    #expect(time.log == ["A"])
    time.plan(pipeline, [1])
    time.end("B")
    time.finish(pipeline)
    time.pass(9)
    #expect(time.log == ["A", "B"])
    time.pass(1)
    #expect(Set(time.log.suffix(2)) == ["-A", "-B"])
  }

  @Test("what it keeps between its stages counts with the bytes that wait, until its end")
  func heldBytes() {
    var time = Timeline { $0.maxQueuedBytes = 100 }
    time.place("ABCD")
    let pipeline = time.submit(pipeline: "AB", bytes: 40)
    time.submit("C", bytes: 61)
    #expect(time.log.last == "C?queue_full")
    time.submit("C", bytes: 60)
    time.holds(pipeline, bytes: 140)
    time.submit("D")
    #expect(time.log.last == "D?queue_full")
    time.end("A")
    time.end("B")
    time.finish(pipeline)
    time.submit("D", bytes: 100)
    time.end("C")
    #expect(time.log.last == "D")
  }
}
