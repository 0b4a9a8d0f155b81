import ModelGraph
import Tensors

/// Draws a model's graph: nodes in layers by their distance from the inputs, results above their readers.
public struct GraphPicture {
  private let graph: Graph
  private static let cell = (width: 176.0, height: 40.0)
  private static let node = (width: 144.0, height: 22.0)

  public init(_ graph: Graph) { self.graph = graph }

  /// The position of a node, an input or an output: its layer, from the top, and its column.
  private struct Place {
    var layer: Int
    var column: Int

    var x: Double { 12 + Double(column) * GraphPicture.cell.width }
    var y: Double { 66 + Double(layer) * GraphPicture.cell.height }
  }

  /// The picture, as SVG.
  public var svg: String {
    var canvas = SVGCanvas()
    canvas.text(x: 12, y: 24, "\(graph.name): \(graph.nodes.count) nodes", style: "title")
    canvas.legend(
      x: 12, y: 46,
      [(style: "port", text: "input, output")] + NodePicture.legend + [(style: "control", text: "branches")])
    let places = placesOfNodes()
    var makers: [ValueID: Place] = [:]
    for (index, id) in graph.inputs.enumerated() {
      makers[id] = Place(layer: 0, column: index)
      drawPort(id, "input", at: Place(layer: 0, column: index), on: &canvas)
    }
    for (node, place) in zip(graph.nodes, places) {
      for case let output? in node.outputs { makers[output] = place }
      let picture = NodePicture(node)
      canvas.box(
        x: place.x, y: place.y, width: GraphPicture.node.width, height: GraphPicture.node.height,
        style: picture.style, text: picture.label, hint: hint(node))
    }
    for (node, place) in zip(graph.nodes, places) {
      for case let operand? in node.operands { connect(makers[operand], place, on: &canvas) }
    }
    let deepest = (places.map(\.layer).max() ?? 0) + 1
    for (index, id) in graph.outputs.enumerated() {
      let place = Place(layer: deepest, column: index)
      connect(makers[id], place, on: &canvas)
      drawPort(id, "output", at: place, on: &canvas)
    }
    return canvas.document
  }

  private func drawPort(_ id: ValueID, _ kind: String, at place: Place, on canvas: inout SVGCanvas) {
    canvas.box(
      x: place.x, y: place.y, width: GraphPicture.node.width, height: GraphPicture.node.height, style: "port",
      text: graph[id].name, hint: "\(kind) \(graph[id].name): \(graph[id].type?.description ?? "?")")
  }

  /// A line to the next layer, or one beside the boxes when it passes others of its column.
  private func connect(_ source: Place?, _ target: Place, on canvas: inout SVGCanvas) {
    guard let source else { return }
    let (width, height) = GraphPicture.node
    if source.column == target.column, target.layer - source.layer > 1 {
      let reach = min(12 + Double(target.layer - source.layer) * 4, 40)
      canvas.detour(
        from: (source.x + width, source.y + height / 2), to: (target.x + width, target.y + height / 2),
        reach: reach)
    } else {
      canvas.curve(from: (source.x + width / 2, source.y + height), to: (target.x + width / 2, target.y))
    }
  }

  /// The layer below its lowest operand; the column of its first operand when that place is free, else the next free
  /// one to the right.
  private func placesOfNodes() -> [Place] {
    var taken: [Int: Set<Int>] = [:]
    var makers: [ValueID: Place] = [:]
    for (index, id) in graph.inputs.enumerated() { makers[id] = Place(layer: 0, column: index) }
    return graph.nodes.map { node in
      let operands = node.operands.compactMap { $0.flatMap { makers[$0] } }
      var place = Place(
        layer: 1 + (operands.map(\.layer).max() ?? 0), column: operands.map(\.column).min() ?? 0)
      while taken[place.layer, default: []].contains(place.column) { place.column += 1 }
      taken[place.layer, default: []].insert(place.column)
      for case let output? in node.outputs { makers[output] = place }
      return place
    }
  }

  private func hint(_ node: Node) -> String {
    let types = node.outputs.compactMap { $0.flatMap { graph[$0].type } }.map(\.description)
    return "\(node.name): \(types.joined(separator: ", "))"
  }
}
