import Device
import ModelGraph
import Tensors

/// Programs that transform lines of a tensor.
enum FourierProgram {
  /// The bytes of tables that are kept between calls. Larger ones are made in each call, in scratch memory, which takes
  /// less time than the transforms.
  private static let mostKeptBytes = 1 << 20

  /// - Parameters:
  ///   - lines: the lines, or how to find them in each call.
  ///   - longest: a bound on the length of a line.
  ///   - window: the operand that each line is multiplied with.
  static func build(
    _ name: String, _ lines: Deferred<Parameter, FourierLines>, longest: Int, window: Int?,
    _ type: ElementType
  ) -> Program? {
    switch type {
    case .float32: program(Float.self, name, lines, longest, window)
    case .float64: program(Double.self, name, lines, longest, window)
    default: nil
    }
  }

  private static func program<Element: Real>(
    _ type: Element.Type, _ name: String, _ lines: Deferred<Parameter, FourierLines>, _ longest: Int,
    _ window: Int?
  ) -> Program {
    let plan = lines.known?.plan
    let kept = plan.flatMap { $0.tableBytes <= mostKeptBytes ? FourierTables($0) : nil }
    let scratch =
      plan.map { $0.workBytes + (kept == nil ? $0.tableBytes : 0) } ?? FourierPlan.mostBytes(longest)
    return Program(name: name, scratchBytes: scratch, footprint: kept?.byteCount ?? 0) { frame in
      let lines = try lines.plan(frame)
      let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
      let window = window.flatMap { frame.optional($0, as: type) }
      let work = try frame.scratch(as: ComplexLanes.self)
      if let kept { return kept.use { lines.run(source, window, target, work, $0) } }
      let tables = try frame.scratch(at: lines.plan.workBytes, as: Double.self)
      lines.plan.makeTables(tables, work)
      lines.run(source, window, target, work, tables)
    }
  }
}

/// The tables of a plan.
///
/// Unchecked: the memory is written before anybody else has the object, and only read afterwards.
private final class FourierTables: @unchecked Sendable {
  let byteCount: Int
  private let numbers: UnsafeMutablePointer<Double>

  init(_ plan: FourierPlan) {
    byteCount = plan.tableBytes
    numbers = .allocate(capacity: byteCount / MemoryLayout<Double>.stride)
    let count = plan.workBytes / MemoryLayout<ComplexLanes>.stride
    let work = UnsafeMutablePointer<ComplexLanes>.allocate(capacity: count)
    plan.makeTables(numbers, work)
    work.deallocate()
  }

  deinit { numbers.deallocate() }

  func use(_ body: (UnsafeMutablePointer<Double>) -> Void) { withExtendedLifetime(self) { body(numbers) } }
}
