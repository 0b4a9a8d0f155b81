import Scheduler
import Testing

@Suite("What a pipeline plans and runs next") struct PipelineStateTests {
  @Test("stages whose shapes follow from shapes are planned one by one and run as one program")
  func oneProgram() {
    // 0 ─┬─ 1 ─┬─ 3
    //    └─ 2 ─┘
    var state = PipelineState(sources: [[], [0], [0], [1, 2]], needed: [0, 1, 2, 3])
    #expect(state.begin() == [.plan(0)])
    for stage in 0..<3 { #expect(state.planned(stage, isOpen: false) == [.plan(stage + 1)]) }
    #expect(state.planned(3, isOpen: false) == [.run([0, 1, 2, 3])])
    for stage in 0..<3 { #expect(state.answered(stage) == []) }
    #expect(state.answered(3) == [.finish])
  }

  @Test("who takes an output whose shape depends on data is planned when it is there, while others run")
  func dependsOnData() {
    // 0 (open) ── 1 ── 2
    // 3
    var state = PipelineState(sources: [[], [0], [1], []], needed: [0, 1, 2, 3])
    #expect(state.begin() == [.plan(0)])
    #expect(state.planned(0, isOpen: true) == [.plan(3)])
    #expect(state.planned(3, isOpen: false) == [.run([0, 3])])
    #expect(state.answered(0) == [.plan(1)])
    #expect(state.answered(3) == [])
    #expect(state.planned(1, isOpen: false) == [.plan(2)])
    #expect(state.planned(2, isOpen: false) == [.run([1, 2])])
    #expect(state.answered(1) == [])
    #expect(state.answered(2) == [.finish])
  }

  @Test("stages that no wanted output follows from are not run")
  func pruned() {
    var state = PipelineState(sources: [[], [0], [0]], needed: [0, 2])
    #expect(state.begin() == [.plan(0)])
    #expect(state.planned(0, isOpen: false) == [.plan(2)])
    #expect(state.planned(2, isOpen: false) == [.run([0, 2])])
    #expect(state.answered(0) == [])
    #expect(state.answered(2) == [.finish])
  }

  @Test("after a failure what runs ends and nothing else begins")
  func failure() {
    // 0 (open) ── 1     2 fails
    var state = PipelineState(sources: [[], [0], []], needed: [0, 1, 2])
    _ = state.begin()
    _ = state.planned(0, isOpen: true)
    #expect(state.planned(2, isOpen: false) == [.run([0, 2])])
    #expect(state.failed(2) == [])
    #expect(state.answered(0) == [.finish])
  }

  @Test("a stage that cannot be planned ends the pipeline before any of it has run")
  func unplannable() {
    var state = PipelineState(sources: [[], [0]], needed: [0, 1])
    _ = state.begin()
    #expect(state.planned(0, isOpen: false) == [.plan(1)])
    #expect(state.failed(1) == [.finish])
  }

  @Test("a client that goes away stops what has not begun")
  func stopped() {
    var before = PipelineState(sources: [[]], needed: [0])
    #expect(before.stop() == [])
    #expect(before.begin() == [.finish])

    var planning = PipelineState(sources: [[], [0]], needed: [0, 1])
    _ = planning.begin()
    #expect(planning.stop() == [])
    #expect(planning.planned(0, isOpen: false) == [.finish])

    var running = PipelineState(sources: [[], [0]], needed: [0, 1])
    _ = running.begin()
    #expect(running.planned(0, isOpen: true) == [.run([0])])
    #expect(running.stop() == [])
    #expect(running.answered(0) == [.finish])
    #expect(running.stop() == [])
  }

  @Test("one that gives only its inputs and constants runs nothing")
  func empty() {
    var state = PipelineState(sources: [], needed: [])
    #expect(state.begin() == [.finish])
  }
}
