import ModelGraph
import Tensors

/// Draws a model's graph: nodes in layers by their distance from the inputs, results above their readers.
struct GraphPicture {
  private let graph: Graph
  private static let cell = (width: 156.0, height: 44.0)
  private static let node = (width: 140.0, height: 22.0)

  init(_ graph: Graph) { self.graph = graph }

  var svg: String {
    var canvas = SVGCanvas()
    canvas.text(x: 12, y: 22, "\(graph.name): \(graph.nodes.count) nodes", style: "title")
    var centers: [ValueID: (x: Double, y: Double)] = [:]
    let columns = columnsOfNodes()
    let layers = layersOfNodes()
    let deepest = (layers.max() ?? 0) + 1
    func position(_ layer: Int, _ column: Double) -> (x: Double, y: Double) {
      (12 + column * GraphPicture.cell.width, 40 + Double(layer) * GraphPicture.cell.height)
    }
    var boxes: [(ValueID?, (x: Double, y: Double), style: String, text: String, hint: String)] = []
    for (index, id) in graph.inputs.enumerated() {
      let place = position(0, Double(index))
      centers[id] = (place.x + GraphPicture.node.width / 2, place.y + GraphPicture.node.height)
      boxes.append((id, place, "port", graph[id].name, "input \(graph[id].type?.description ?? "")"))
    }
    for (index, node) in graph.nodes.enumerated() {
      let place = position(layers[index], columns[index])
      for case let output? in node.outputs {
        centers[output] = (place.x + GraphPicture.node.width / 2, place.y + GraphPicture.node.height)
      }
      boxes.append((nil, place, node.op.pictureStyle, label(node), hint(node)))
    }
    for (index, node) in graph.nodes.enumerated() {
      let place = position(layers[index], columns[index])
      for case let input? in node.inputs {
        guard let source = centers[input] else { continue }
        canvas.curve(from: source, to: (place.x + GraphPicture.node.width / 2, place.y))
      }
    }
    for (index, id) in graph.outputs.enumerated() {
      let place = position(deepest, Double(index))
      if let source = centers[id] {
        canvas.curve(from: source, to: (place.x + GraphPicture.node.width / 2, place.y))
      }
      boxes.append((id, place, "port", graph[id].name, "output \(graph[id].type?.description ?? "")"))
    }
    for (_, place, style, text, hint) in boxes {
      canvas.box(
        x: place.x, y: place.y, width: GraphPicture.node.width, height: GraphPicture.node.height,
        style: style,
        text: text, hint: hint)
    }
    return canvas.document
  }

  private func layersOfNodes() -> [Int] {
    var layerOfValue: [ValueID: Int] = [:]
    for id in graph.inputs { layerOfValue[id] = 0 }
    return graph.nodes.map { node in
      let layer = 1 + (node.inputs.compactMap { $0.flatMap { layerOfValue[$0] } }.max() ?? 0)
      for case let output? in node.outputs { layerOfValue[output] = layer }
      return layer
    }
  }

  /// A column for each node: below its first operand when that place is free, else the next one to the right.
  private func columnsOfNodes() -> [Double] {
    var taken: [Int: Set<Int>] = [:]
    var columnOfValue: [ValueID: Int] = [:]
    for (index, id) in graph.inputs.enumerated() { columnOfValue[id] = index }
    return zip(graph.nodes, layersOfNodes()).map { node, layer in
      let wanted = node.inputs.compactMap { $0.flatMap { columnOfValue[$0] } }.min() ?? 0
      var column = wanted
      while taken[layer, default: []].contains(column) { column += 1 }
      taken[layer, default: []].insert(column)
      for case let output? in node.outputs { columnOfValue[output] = column }
      return Double(column)
    }
  }

  private func label(_ node: Node) -> String {
    let tails = node.postOps.map { postOp in
      switch postOp {
      case .unary(let function): Op.unary(function).name
      case .binary(let function, _): Op.binary(function).name
      }
    }
    return ([node.op.name] + tails).joined(separator: " + ")
  }

  private func hint(_ node: Node) -> String {
    let types = node.outputs.compactMap { $0.flatMap { graph[$0].type } }.map(\.description)
    return "\(node.name): \(types.joined(separator: ", "))"
  }
}

extension Op {
  /// The style of the node's box in pictures.
  var pictureStyle: String {
    switch self {
    case .convolution, .deconvolution, .matrixMultiply, .lstm, .gru: "linear"
    case .pool, .batchNormalization, .layerNormalization, .instanceNormalization, .groupNormalization,
      .localResponseNormalization, .softmax, .logSoftmax, .reduce, .argumentOf, .topK, .cumulativeSum,
      .resize:
      "window"
    case .unary, .binary, .select, .cast: "element"
    case .conditional: "control"
    default: "move"
    }
  }
}
