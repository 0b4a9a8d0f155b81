import ModelGraph

/// One axis of an image that is sampled between its elements.
struct SampledAxis: Sendable {
  var size: Int
  /// The distance of two neighbours in the image, in elements.
  var step: Int
  var outside = GridSample.Outside.zeros
  /// True if the image ends in the centres of its last elements, false if half an element further.
  var alignCorners = false

  /// The place of a coordinate, which is −1 at the image's begin and 1 at its end.
  @inline(__always) func place<Element: Real>(_ coordinate: Element) -> Element {
    alignCorners
      ? (coordinate + 1) / 2 * Element(size &- 1) : ((coordinate + 1) * Element(size) - 1) / 2
  }

  /// A place far beyond the image's ends moved near or into it, unless there are zeros. Near the border, the elements that
  /// surround a place are moved, not the place: so do PyTorch and onnxruntime, and cubic interpolation tells the difference.
  @inline(__always) func inside<Element: Real>(_ place: Element) -> Element {
    if outside == .zeros { return place }
    if outside == .border { return place < -2 ? -2 : place > Element(size) + 1 ? Element(size) + 1 : place }
    let low: Element = alignCorners ? 0 : -0.5
    let high = alignCorners ? Element(size &- 1) : Element(size) - 0.5
    if place >= low, place <= high { return place }
    return reflected(place, low, high)
  }

  private func reflected<Element: Real>(_ place: Element, _ low: Element, _ high: Element) -> Element {
    let distance = place < low ? low - place : place - high
    let turns = (distance / (high - low)).rounded(.towardZero)
    // One element alone, or a place that is not finite.
    guard turns.isFinite else { return place.isFinite ? 0 : .nan }
    let rest = distance - turns * (high - low)
    let isForward = (turns.truncatingRemainder(dividingBy: 2) == 0) == (place < low)
    return isForward ? low + rest : high - rest
  }

  /// True when elements near the place can have a part in it. Such a place is a number that an `Int` holds.
  @inline(__always) func reaches<Element: Real>(_ place: Element) -> Bool {
    place > -4 && place < Element(size) + 4
  }

  /// The index of an element, near or in the image, in the image; `nil` where there is a zero.
  @inline(__always) func index(_ index: Int) -> Int? {
    if index >= 0, index < size { return index }
    switch outside {
    case .zeros: return nil
    case .border: return index < 0 ? 0 : size &- 1
    case .reflection:
      let period = 2 &* (alignCorners ? size &- 1 : size)
      if period == 0 { return 0 }
      let rest = (index % period &+ period) % period
      return rest < size ? rest : (alignCorners ? period : period &- 1) &- rest
    }
  }
}

/// The elements of an image that a value between them is a weighted sum of, as offsets and weights.
struct SampleTaps<Element: Real> {
  private let offsets: UnsafeMutablePointer<Int>
  private let weights: UnsafeMutablePointer<Element>
  private let capacity: Int
  private(set) var count = 0

  /// The bytes of scratch memory for a list of up to `capacity` taps and the work on it, and for as many lists behind it.
  static func bytes(_ capacity: Int, lists: Int) -> Int {
    alignedScratch((capacity &* lists &+ 4) &* (MemoryLayout<Int>.stride &+ MemoryLayout<Element>.stride))
  }

  /// The list number `list` of `lists` in the memory. Lists are to be made in their order.
  init(_ memory: UnsafeMutableRawPointer, capacity: Int, list: Int, of lists: Int) {
    let indices = (capacity &* lists &+ 4) &* MemoryLayout<Int>.stride
    // Scratch memory holds plain numbers, these behind those; each list is written before it is read.
    offsets = memory.assumingMemoryBound(to: Int.self) + list &* capacity
    weights = (memory + indices).assumingMemoryBound(to: Element.self) + list &* capacity
    self.capacity = capacity
  }

  /// One tap.
  @inline(__always) mutating func start(_ weight: Element) {
    (offsets[0], weights[0], count) = (0, weight, 1)
  }

  /// Replaces each tap by its linear interpolation along an axis.
  @inline(__always) mutating func linear(_ axis: SampledAxis, _ place: Element) {
    guard axis.reaches(place) else { return count = 0 }
    let first = place.rounded(.down)
    let rest = place - first
    var found = 0
    add(axis, Int(first), 1 - rest, &found)
    add(axis, Int(first) &+ 1, rest, &found)
    multiply(found)
  }

  /// Replaces each tap by its cubic interpolation along an axis, with the coefficient −¾.
  @inline(__always) mutating func cubic(_ axis: SampledAxis, _ place: Element) {
    guard axis.reaches(place) else { return count = 0 }
    let first = place.rounded(.down)
    let x = place - first
    let a: Element = -0.75
    func near(_ x: Element) -> Element { ((a + 2) * x - (a + 3)) * x * x + 1 }
    func far(_ x: Element) -> Element { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    var found = 0
    add(axis, Int(first) &- 1, far(x + 1), &found)
    add(axis, Int(first), near(x), &found)
    add(axis, Int(first) &+ 1, near(1 - x), &found)
    add(axis, Int(first) &+ 2, far(2 - x), &found)
    multiply(found)
  }

  /// Notes a tap along an axis behind the list.
  @inline(__always) private func add(_ axis: SampledAxis, _ index: Int, _ weight: Element, _ found: inout Int)
  {
    guard let index = axis.index(index) else { return }
    offsets[capacity &+ found] = index &* axis.step
    weights[capacity &+ found] = weight
    found &+= 1
  }

  /// Joins every tap with every one noted, from the end, where nothing is overwritten that is still to be read.
  @inline(__always) private mutating func multiply(_ found: Int) {
    let (axisOffsets, axisWeights) = (offsets + capacity, weights + capacity)
    var tap = count &- 1
    while tap >= 0 {
      let (offset, weight) = (offsets[tap], weights[tap])
      var other = found &- 1
      while other >= 0 {
        offsets[tap &* found &+ other] = offset &+ axisOffsets[other]
        weights[tap &* found &+ other] = weight * axisWeights[other]
        other &-= 1
      }
      tap &-= 1
    }
    count &*= found
  }

  /// The weighted sum.
  @inline(__always) func sum(_ image: UnsafePointer<Element>, _ count: Int) -> Element {
    var sum = Element.zero
    var tap = 0
    while tap < count {
      sum += weights[tap] * image[offsets[tap]]
      tap &+= 1
    }
    return sum
  }
}
