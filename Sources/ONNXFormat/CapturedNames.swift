/// The values that `graph` uses and does not make, in the order of their first use: what a subgraph captures from
/// the graphs around it. Recursion is bounded by the scanner's bound on nesting.
func capturedNames(_ graph: ONNXGraphProto) -> [String] {
  var local = Set(graph.input.map(\.name))
  local.formUnion(graph.initializer.map(\.name))
  local.formUnion(graph.sparseInitializer.map(\.values.name))
  for node in graph.node { local.formUnion(node.output) }
  var seen: Set<String> = [""]
  var captured: [String] = []
  func use(_ name: String) {
    if !local.contains(name), seen.insert(name).inserted { captured.append(name) }
  }
  for node in graph.node { usedNames(node).forEach(use) }
  graph.output.forEach { use($0.name) }
  return captured
}

/// The values that `node` uses: its operands and what its subgraphs capture. May repeat; never the empty name.
func usedNames(_ node: ONNXNodeProto) -> [String] {
  var names = node.input.filter { !$0.isEmpty }
  for attribute in node.attribute {
    if attribute.hasG { names += capturedNames(attribute.g) }
    for graph in attribute.graphs { names += capturedNames(graph) }
  }
  return names
}
