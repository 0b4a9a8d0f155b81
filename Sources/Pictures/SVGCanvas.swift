/// Builds an SVG picture. Lines lie under boxes and text, whenever they were drawn. Colours are classes of a style sheet
/// that follows the viewer's light or dark scheme.
struct SVGCanvas {
  typealias Point = (x: Double, y: Double)

  private var under: [String] = []
  private var over: [String] = []
  private var width = 0.0
  private var height = 0.0

  private static let style = """
    text{font:11px system-ui,sans-serif;fill:#1f2430} .small{font-size:9px} .title{font-size:14px;font-weight:600}
    .name{font-weight:600} .right{text-anchor:end} .page{fill:#ffffff} .note{fill:#667085;font-size:9.5px}
    .edge{fill:none;stroke:#98a2b3;stroke-width:1.1} .box{stroke:#ffffff;stroke-width:1}
    .linear{fill:#9ec5fe} .window{fill:#a3e4d7} .element{fill:#fde2a7} .move{fill:#e4e7ec} .control{fill:#f5b7b1}
    .load{fill:#c9bdf6} .shared{fill:#f58a8a} .port{fill:#c9f2c7}
    .held{fill:#fdecec;stroke:#e05252;stroke-dasharray:3 2} .frame{fill:#f8f9fb;stroke:#d0d5dd}
    .sharedEdge{fill:none;stroke:#e05252;stroke-width:1.2;opacity:.75}
    .after{fill:none;stroke:#e07a1f;stroke-width:1.6;stroke-dasharray:4 3}
    @media (prefers-color-scheme: dark){.page{fill:#15181f} text{fill:#e6e9ef} .inside{fill:#1f2430} .note{fill:#98a2b3}
    .frame{fill:#1b1f28;stroke:#3a4150} .box{stroke:#15181f} .held{stroke:#e05252}}
    """

  /// A rectangle, with as much of `text` in it as fits. The viewer shows `hint` under the pointer.
  mutating func box(
    x: Double, y: Double, width: Double, height: Double, style: String, text: String = "", hint: String = ""
  ) {
    let title = hint.isEmpty ? "" : "<title>\(SVGCanvas.escaped(hint))</title>"
    over.append(
      "<rect class=\"box \(style)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\" rx=\"\(height < 8 ? 1 : 3)\">\(title)</rect>")
    if !text.isEmpty {
      let fitted = SVGCanvas.fitted(text, in: width - 8)
      over.append(
        "<text class=\"small inside\" x=\"\(number(x + 4))\" y=\"\(number(y + height / 2 + 3))\" "
          + "pointer-events=\"none\">\(SVGCanvas.escaped(fitted))</text>")
    }
    grow(x + width, y + height)
  }

  /// A frame around things that belong together, under everything that is drawn after it.
  mutating func frame(x: Double, y: Double, width: Double, height: Double) {
    under.insert(
      "<rect class=\"frame\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\" rx=\"6\"/>", at: 0)
    grow(x + width, y + height)
  }

  /// A line of text from `x` on, or up to it with the style `right`.
  mutating func text(x: Double, y: Double, _ text: String, style: String = "") {
    over.append(
      "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\">\(SVGCanvas.escaped(text))</text>")
    grow(style.contains("right") ? x : x + SVGCanvas.width(of: text) * (style == "title" ? 1.5 : 1), y)
  }

  /// Colours and what they mean, side by side from `x` on.
  mutating func legend(x: Double, y: Double, _ entries: [(style: String, text: String)]) {
    var x = x
    for entry in entries {
      box(x: x, y: y - 9, width: 12, height: 11, style: entry.style)
      text(x: x + 16, y: y, entry.text, style: "note")
      x += 28 + SVGCanvas.width(of: entry.text)
    }
  }

  /// A curve that leaves one point and enters the other downwards, or sideways.
  mutating func curve(from start: Point, to end: Point, style: String = "edge", sideways: Bool = false) {
    let bend = sideways ? (end.x - start.x) / 2 : (end.y - start.y) / 2
    let first = sideways ? (start.x + bend, start.y) : (start.x, start.y + bend)
    let second = sideways ? (end.x - bend, end.y) : (end.x, end.y - bend)
    path(from: start, first, second, to: end, style)
  }

  /// A curve between two points that keeps to one side of both: to the right by `reach`, or to the left when that is
  /// negative.
  mutating func detour(from start: Point, to end: Point, reach: Double, style: String = "edge") {
    path(from: start, (start.x + reach, start.y), (end.x + reach, end.y), to: end, style)
    grow(max(start.x, end.x) + max(reach, 0) * 0.75, max(start.y, end.y))
  }

  private mutating func path(
    from start: Point, _ first: Point, _ second: Point, to end: Point, _ style: String
  ) {
    let points = [first, second, end].map { "\(number($0.x)) \(number($0.y))" }.joined(separator: " ")
    under.append("<path class=\"\(style)\" d=\"M\(number(start.x)) \(number(start.y)) C\(points)\"/>")
    grow(max(start.x, end.x), max(start.y, end.y))
  }

  /// The picture's text.
  var document: String {
    let size = (number(width + 16), number(height + 16))
    let page = "<rect class=\"page\" width=\"100%\" height=\"100%\"/>"
    return
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size.0) \(size.1)\" width=\"\(size.0)\" "
      + "height=\"\(size.1)\"><style>\(SVGCanvas.style)</style>\(page)\n"
      + (under + over).joined(separator: "\n") + "\n</svg>\n"
  }

  private mutating func grow(_ x: Double, _ y: Double) {
    width = max(width, x)
    height = max(height, y)
  }

  private func number(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }

  /// About how wide a text is in the small size.
  static func width(of text: String) -> Double { Double(text.count) * 5.2 }

  private static func fitted(_ text: String, in width: Double) -> String {
    let most = max(Int(width / 5.2), 1)
    return text.count <= most ? text : text.prefix(most - 1) + "…"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
