import Engine
import Linker
import ModelStore

/// Draws a fused program: a column for each lane's part of the arena, the members that follow one another in it, their
/// kernels from top to bottom, and beside each kernel the loads that it waits for. Loads that several members share are
/// drawn in the accent colour and joined.
struct ProgramPicture {
  private let program: FusedProgram
  private static let row = 15.0
  private static let kernelWidth = 190.0
  private static let loadWidth = 120.0

  init(_ program: FusedProgram) { self.program = program }

  var svg: String {
    var canvas = SVGCanvas()
    let shared = program.loads.count { $0.readers.count > 1 }
    canvas.text(
      x: 12, y: 22,
      "fused program: \(program.members.count) members, \(program.loads.count) loads (\(shared) shared)",
      style: "title")
    canvas.text(
      x: 12, y: 38,
      "\(ByteSize(bytes: program.uniqueWeightBytes)) of weights, \(ByteSize(bytes: program.arenaBytes)) of arena; "
        + "loads left, kernels right, time runs down", style: "note")
    var anchors: [Int: [(x: Double, y: Double)]] = [:]
    var bottoms: [Int: (x: Double, y: Double)] = [:]
    for (column, members) in columns.enumerated() {
      let x = 20 + Double(column) * (ProgramPicture.kernelWidth + ProgramPicture.loadWidth + 60)
      canvas.text(x: x, y: 62, "lane \(column)", style: "note")
      var y = 72.0
      for member in members {
        let height = draw(member, x: x, y: y, on: &canvas, anchors: &anchors)
        if let before = program.members[member].predecessor, let end = bottoms[before] {
          canvas.curve(from: end, to: (end.x, y), style: "after")
        }
        bottoms[member] = (x + ProgramPicture.loadWidth + ProgramPicture.kernelWidth / 2, y + height)
        y += height + 24
      }
    }
    for (_, points) in anchors.sorted(by: { $0.key < $1.key }) where points.count > 1 {
      for (from, to) in zip(points, points.dropFirst()) {
        canvas.curve(from: from, to: to, style: "sharedEdge", sideways: true)
      }
    }
    return canvas.document
  }

  /// Members by their part of the arena, in the order in which they take it over.
  private var columns: [[Int]] {
    var result: [[Int]] = []
    for (index, member) in program.members.enumerated() where member.predecessor == nil {
      var chain = [index]
      while let next = program.members.firstIndex(where: { $0.predecessor == chain.last }) {
        chain.append(next)
      }
      result.append(chain)
    }
    return result
  }

  private func draw(
    _ member: Int, x: Double, y: Double, on canvas: inout SVGCanvas,
    anchors: inout [Int: [(x: Double, y: Double)]]
  ) -> Double {
    let plan = program.members[member].plan
    let kernels = x + ProgramPicture.loadWidth + 16
    canvas.text(x: x + 8, y: y + 16, "\(plan.model.name) v\(plan.model.version)")
    var waiting: [Int: [Int]] = [:]
    for (index, load) in program.loads.enumerated() {
      for reader in load.readers where reader.member == member {
        waiting[reader.step, default: []].append(index)
      }
    }
    var top = y + 26
    for (number, step) in plan.steps.enumerated() {
      let loads = waiting[number] ?? []
      let height = ProgramPicture.row * Double(max(loads.count, 1))
      canvas.box(
        x: kernels, y: top, width: ProgramPicture.kernelWidth, height: height - 2,
        style: step.name.hasPrefix("reorder") ? "move" : "linear", text: step.name,
        hint: "\(step.name): \(step.kernel.implementation)")
      for (position, index) in loads.enumerated() {
        let load = program.loads[index]
        let isShared = load.readers.count > 1
        let row = top + Double(position) * ProgramPicture.row
        let width = ProgramPicture.width(of: load.byteCount)
        let left = x + 8 + ProgramPicture.loadWidth - width - 12
        canvas.box(
          x: left, y: row, width: width, height: ProgramPicture.row - 2, style: isShared ? "shared" : "load",
          text: ByteSize(bytes: load.byteCount).description,
          hint: "extent \(load.extent.description.prefix(12))")
        canvas.curve(
          from: (left + width, row + 6), to: (kernels, row + 6), style: isShared ? "sharedEdge" : "edge",
          sideways: true)
        if isShared { anchors[index, default: []].append((left, row + 6)) }
      }
      top += height
    }
    let height = top - y + 6
    canvas.frame(
      x: x, y: y, width: ProgramPicture.loadWidth + ProgramPicture.kernelWidth + 28, height: height)
    return height
  }

  /// Wider boxes for larger extents: 44 points at a page, the whole column at 64 MiB.
  private static func width(of bytes: Int) -> Double {
    var doublings = 0
    while doublings < 14 && bytes >> (12 + doublings) > 1 { doublings += 1 }
    return 44 + Double(doublings) / 14 * (loadWidth - 60)
  }

  /// The program in the DOT language.
  var dot: String {
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
