import Linker
import ModelGraph
import ModelStore

/// Draws a fused program: a column for each lane's part of the arena, the members that follow one another in it, their
/// kernels from top to bottom, and beside each kernel the loads that it waits for. Columns stand in pairs whose loads
/// face each other, so that what members share is joined across the gap: solid where it is loaded from, dashed where
/// it is there already. A large program's kernels that wait for nothing shrink to stripes.
public struct ProgramPicture {
  private let program: FusedProgram
  /// Members by column, in the order in which they take over their part of the arena.
  private let columns: [[Int]]
  private let isDense: Bool
  private static let row = 15.0
  private static let kernelWidth = 216.0
  private static let loadWidth = 92.0
  private static let memberWidth = kernelWidth + loadWidth + 32
  private static let top = 86.0
  /// Loads that were drawn, by index: the end that points away from their kernel, in order.
  private typealias Anchors = [Int: [(column: Int, point: SVGCanvas.Point)]]

  public init(_ program: FusedProgram) {
    self.program = program
    let columns = ProgramPicture.columns(of: program)
    self.columns = columns
    isDense = columns.contains { $0.reduce(0) { $0 + program.members[$1].plan.steps.count } > 72 }
  }

  /// The picture, as SVG that follows the light or dark scheme of whoever looks at it.
  public var svg: String {
    var canvas = SVGCanvas()
    let shared = program.loads.count { $0.readers.count > 1 }
    canvas.text(
      x: 12, y: 24,
      "Fused program of \(program.members.count) models: \(program.loads.count) loads "
        + "(\(shared) shared), \(program.members.reduce(0) { $0 + $1.plan.steps.count }) kernels",
      style: "title")
    canvas.text(
      x: 12, y: 41,
      "\(ByteSize(bytes: program.uniqueWeightBytes)) of weights, \(ByteSize(bytes: program.arenaBytes)) of arena. "
        + "Time runs down; a kernel waits for the kernel above it and for the loads beside it.", style: "note"
    )
    let sharing = [(style: "shared", text: "load for several"), (style: "held", text: "the same, held once")]
    canvas.legend(
      x: 12, y: 60, [(style: "load", text: "load")] + (shared > 0 ? sharing : []) + NodePicture.legend)
    var anchors: Anchors = [:]
    for (column, members) in columns.enumerated() {
      let x = 12 + Double(column) * (ProgramPicture.memberWidth + 20) + Double((column + 1) / 2) * 32
      canvas.text(x: x + 2, y: ProgramPicture.top - 6, "lane \(column)", style: "note")
      var y = ProgramPicture.top
      for (position, member) in members.enumerated() {
        let height = draw(member, in: column, x: x, y: y, on: &canvas, anchors: &anchors)
        y += height + 22
        if position + 1 < members.count, program.members[members[position + 1]].predecessor == member {
          let middle = x + ProgramPicture.memberWidth / 2
          canvas.curve(from: (middle, y - 22), to: (middle, y), style: "after")
          canvas.text(x: middle + 6, y: y - 8, "then its part of the arena goes to", style: "note")
        }
      }
    }
    for (_, ends) in anchors.sorted(by: { $0.key < $1.key }) { join(ends, on: &canvas) }
    return canvas.document
  }

  private func join(_ ends: [(column: Int, point: SVGCanvas.Point)], on canvas: inout SVGCanvas) {
    for (from, to) in zip(ends, ends.dropFirst()) {
      if from.column == to.column {
        let reach = isMirrored(from.column) ? -30.0 : 30.0
        canvas.detour(from: from.point, to: to.point, reach: reach, style: "sharedEdge")
      } else {
        canvas.curve(from: from.point, to: to.point, style: "sharedEdge", sideways: true)
      }
    }
  }

  /// Loads stand right of the kernels, or left of them in the second column of a pair.
  private func isMirrored(_ column: Int) -> Bool { column % 2 == 1 }

  /// Draws one member from `y` down; returns its height.
  private func draw(
    _ member: Int, in column: Int, x: Double, y: Double, on canvas: inout SVGCanvas, anchors: inout Anchors
  ) -> Double {
    let plan = program.members[member].plan
    let right = x + ProgramPicture.memberWidth
    canvas.text(x: x + 8, y: y + 16, "\(plan.model.name) v\(plan.model.version)", style: "name")
    canvas.text(
      x: right - 8, y: y + 16,
      "\(ByteSize(bytes: plan.reservedExtentBytes)) of weights, \(ByteSize(bytes: plan.memberMemory.arenaBytes)) of arena",
      style: "note right")
    var waiting: [Int: [Int]] = [:]
    for (index, load) in program.loads.enumerated() {
      for reader in load.readers where reader.member == member {
        waiting[reader.step, default: []].append(index)
      }
    }
    let pictures = Dictionary(
      plan.model.graph.nodes.map { ($0.name, NodePicture($0)) }, uniquingKeysWith: { first, _ in first })
    let kernels = isMirrored(column) ? right - 8 - ProgramPicture.kernelWidth : x + 8
    var top = y + 26
    for (number, step) in plan.steps.enumerated() {
      let loads = waiting[number] ?? []
      let height = loads.isEmpty && isDense ? 5 : ProgramPicture.row * Double(max(loads.count, 1))
      let tail = step.name.split(separator: "/").suffix(2).joined(separator: "/")
      let label = pictures[step.name].map { "\($0.label) · \(tail)" } ?? step.name
      canvas.box(
        x: kernels, y: top, width: ProgramPicture.kernelWidth, height: height - (height < 8 ? 1 : 2),
        style: pictures[step.name]?.style ?? "move", text: height < 8 ? "" : label,
        hint: "\(step.name): \(step.kernel.implementation)")
      for (position, index) in loads.enumerated() {
        let middle = top + Double(position) * ProgramPicture.row + 6.5
        let from = isMirrored(column) ? kernels : kernels + ProgramPicture.kernelWidth
        let end = draw(load: index, for: member, from: (from, middle), isMirrored(column), on: &canvas)
        if program.loads[index].readers.count > 1 { anchors[index, default: []].append((column, end)) }
      }
      top += height
    }
    let height = top - y + 6
    canvas.frame(x: x, y: y, width: ProgramPicture.memberWidth, height: height)
    return height
  }

  /// Draws a load beside the kernel whose edge is at `point`; returns the end that points away from it.
  private func draw(
    load index: Int, for member: Int, from point: SVGCanvas.Point, _ isMirrored: Bool,
    on canvas: inout SVGCanvas
  ) -> SVGCanvas.Point {
    let load = program.loads[index]
    let width = ProgramPicture.width(of: load.byteCount)
    let near = point.x + (isMirrored ? -14 : 14)
    let isHeld = load.source.member != member
    let style = load.readers.count == 1 ? "load" : isHeld ? "held" : "shared"
    canvas.box(
      x: isMirrored ? near - width : near, y: point.y - 6.5, width: width, height: ProgramPicture.row - 2,
      style: style, text: ByteSize(bytes: load.byteCount).description,
      hint: "extent \(load.extent.description.prefix(12)), \(load.byteCount) bytes, "
        + "read by \(load.readers.map { program.members[$0.member].plan.model.name }.joined(separator: ", "))"
    )
    canvas.curve(
      from: (near, point.y), to: point, style: load.readers.count > 1 ? "sharedEdge" : "edge", sideways: true)
    return (isMirrored ? near - width : near + width, point.y)
  }

  /// Wider boxes for larger extents: 44 points at a page, the whole column at 64 MiB.
  private static func width(of bytes: Int) -> Double {
    var doublings = 0
    while doublings < 14 && bytes >> (12 + doublings) > 1 { doublings += 1 }
    return 44 + Double(doublings) / 14 * (loadWidth - 44)
  }

  /// Members that take over each other's part of the arena stand in one column; where each has an arena of its own,
  /// they are dealt to two, the longer column last.
  private static func columns(of program: FusedProgram) -> [[Int]] {
    var chains: [[Int]] = []
    for (index, member) in program.members.enumerated() where member.predecessor == nil {
      var chain = [index]
      while let next = program.members.firstIndex(where: { $0.predecessor == chain.last }) {
        chain.append(next)
      }
      chains.append(chain)
    }
    guard program.arenas.count > 1 else { return chains }
    var columns: [(members: [Int], steps: Int)] = [([], 0), ([], 0)]
    for chain in chains {
      let column = columns[0].steps <= columns[1].steps ? 0 : 1
      columns[column].members += chain
      columns[column].steps += chain.reduce(0) { $0 + program.members[$1].plan.steps.count }
    }
    return columns.map(\.members).filter { !$0.isEmpty }
  }

  /// The program in the DOT language.
  public var dot: String {
    var lines = ["digraph fused {", "  rankdir=TB; node [shape=box, fontsize=10];"]
    for (member, part) in program.members.enumerated() {
      lines.append(
        "  subgraph cluster_\(member) { label=\(quoted("\(part.plan.model.name) v\(part.plan.model.version)"));"
      )
      for (number, step) in part.plan.steps.enumerated() {
        lines.append("    k\(member)_\(number) [label=\(quoted(step.name))];")
        if number > 0 { lines.append("    k\(member)_\(number - 1) -> k\(member)_\(number);") }
      }
      lines.append("  }")
      if let before = part.predecessor, let last = program.members[before].plan.steps.indices.last {
        lines.append("  k\(before)_\(last) -> k\(member)_0 [style=dashed, label=\"arena\"];")
      }
    }
    for (index, load) in program.loads.enumerated() {
      let style = load.readers.count > 1 ? "filled\", fillcolor=\"#f26d6d" : "filled\", fillcolor=\"#b7a7f2"
      lines.append(
        "  l\(index) [shape=cylinder, style=\"\(style)\", label=\(quoted(ByteSize(bytes: load.byteCount).description))];"
      )
      for reader in load.readers where reader.step < program.members[reader.member].plan.steps.count {
        lines.append("  l\(index) -> k\(reader.member)_\(reader.step);")
      }
    }
    return lines.joined(separator: "\n") + "\n}\n"
  }

  private func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
