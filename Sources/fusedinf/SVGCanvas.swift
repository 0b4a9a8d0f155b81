/// Builds an SVG picture. Colours are classes of a style sheet that follows the viewer's light or dark scheme.
struct SVGCanvas {
  private var body: [String] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  private static let style = """
    text{font:11px system-ui,sans-serif;fill:#1f2430} .small{font-size:9px} .title{font-size:14px;font-weight:600}
    .page{fill:#ffffff} .note{fill:#667085} .edge{fill:none;stroke:#98a2b3;stroke-width:1.1}
    .box{stroke:#ffffff;stroke-width:1} .linear{fill:#9ec5fe} .window{fill:#a3e4d7} .element{fill:#fde2a7}
    .move{fill:#e4e7ec} .control{fill:#f5b7b1} .load{fill:#b7a7f2} .shared{fill:#f26d6d} .port{fill:#c9f2c7}
    .sharedEdge{fill:none;stroke:#f26d6d;stroke-width:1.4} .frame{fill:none;stroke:#d0d5dd}
    .after{fill:none;stroke:#e07a1f;stroke-width:1.6;stroke-dasharray:4 3}
    @media (prefers-color-scheme: dark){.page{fill:#15181f} text{fill:#e6e9ef} .inside{fill:#1f2430} .note{fill:#98a2b3}
    .frame{stroke:#3a4150} .box{stroke:#15181f}}
    """

  /// A rectangle with text in it.
  mutating func box(
    x: Double, y: Double, width: Double, height: Double, style: String, text: String = "", hint: String = ""
  ) {
    let title = hint.isEmpty ? "" : "<title>\(SVGCanvas.escaped(hint))</title>"
    body.append(
      "<rect class=\"box \(style)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\" rx=\"3\">\(title)</rect>")
    if !text.isEmpty {
      let fitted = SVGCanvas.fitted(text, in: width - 8)
      body.append(
        "<text class=\"small inside\" x=\"\(number(x + 4))\" y=\"\(number(y + height / 2 + 3))\" "
          + "pointer-events=\"none\">\(SVGCanvas.escaped(fitted))</text>")
    }
    grow(x + width, y + height)
  }

  /// A frame around things that belong together.
  mutating func frame(x: Double, y: Double, width: Double, height: Double) {
    body.append(
      "<rect class=\"frame\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\" rx=\"6\"/>")
    grow(x + width, y + height)
  }

  mutating func text(x: Double, y: Double, _ text: String, style: String = "") {
    body.append(
      "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\">\(SVGCanvas.escaped(text))</text>")
    grow(x + Double(text.count) * 7, y)
  }

  /// A curve that leaves one point downwards (or sideways) and enters another.
  mutating func curve(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), style: String = "edge",
    sideways: Bool = false
  ) {
    let bend = sideways ? (end.x - start.x) / 2 : (end.y - start.y) / 2
    let first = sideways ? (start.x + bend, start.y) : (start.x, start.y + bend)
    let second = sideways ? (end.x - bend, end.y) : (end.x, end.y - bend)
    body.append(
      "<path class=\"\(style)\" d=\"M\(number(start.x)) \(number(start.y)) C\(number(first.0)) \(number(first.1)) "
        + "\(number(second.0)) \(number(second.1)) \(number(end.x)) \(number(end.y))\"/>")
    grow(max(start.x, end.x), max(start.y, end.y))
  }

  /// The picture's text.
  var document: String {
    let size = "\(number(width + 16)) \(number(height + 16))"
    let page = "<rect class=\"page\" width=\"100%\" height=\"100%\"/>"
    return
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" width=\"\(number(width + 16))\" "
      + "height=\"\(number(height + 16))\"><style>\(SVGCanvas.style)</style>\(page)\n\(body.joined(separator: "\n"))\n</svg>\n"
  }

  private mutating func grow(_ x: Double, _ y: Double) {
    width = max(width, x)
    height = max(height, y)
  }

  private func number(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }

  private static func fitted(_ text: String, in width: Double) -> String {
    let most = max(Int(width / 5.2), 1)
    return text.count <= most ? text : "…" + text.suffix(most - 1)
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
