import Device
import Foundation
import Repository
import Testing

/// A folder of a test's own, without links on the way to it; removed with this object.
private final class Place {
  let path: String

  init() throws {
    let folder = NSTemporaryDirectory() + "fusedinf-places-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let resolved = try #require(realpath(folder, nil))
    path = String(cString: resolved)
    free(resolved)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func make(_ folder: String) throws {
    try FileManager.default.createDirectory(atPath: path + "/" + folder, withIntermediateDirectories: true)
  }

  func write(_ file: String, _ text: String = "x") throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + file))
  }

  /// Replaces a link in one step.
  func link(_ name: String, to target: String) throws {
    let (new, link) = (path + "/.new", path + "/" + name)
    try FileManager.default.createSymbolicLink(atPath: new, withDestinationPath: target)
    #expect(rename(new, link) == 0)
  }

  /// The places that `body` adds.
  func places(_ body: (inout WatchedPlaces) -> Void) -> WatchedPlaces {
    var places = WatchedPlaces()
    body(&places)
    return places
  }
}

@Suite(.timeLimit(.minutes(5))) struct WatchedPlacesTests {
  @Test func theFolderAboveEachLinkAndEachFolderIsWatched() throws {
    let place = try Place()
    try place.make("releases/1/models")
    try place.link("current", to: "releases/1")
    try place.link("repository", to: place.path + "/current/models")
    let places = WatchedPlaces(folder: place.path + "/repository")
    #expect(
      places.folders == [place.path + "/repository", place.path + "/releases/1/models"],
      "as it is called, and where it is")
    #expect(places.steps[place.path] == ["repository", "current", "releases"])
    #expect(places.steps[place.path + "/releases"] == ["1"])
    #expect(places.steps[place.path + "/releases/1"] == ["models"])
    #expect(places.steps["/"]?.count == 1)
    #expect(places.files.isEmpty)
  }

  @Test func ofWhatIsMissingTheNearestFolderIsWatched() throws {
    let place = try Place()
    try place.make("q")
    let missing = place.places { $0.add(place.path + "/q/r/s/w", isFile: false) }
    #expect(missing.steps[place.path + "/q"] == ["r"])
    #expect(missing.steps.keys.allSatisfy { !$0.hasPrefix(place.path + "/q/") })
    #expect(missing.folders.isEmpty && missing.files.isEmpty)
    try place.link("q/r", to: "../elsewhere/r")
    let linked = place.places { $0.add(folder: place.path + "/q/r/s") }
    #expect(linked.steps[place.path + "/q"] == ["r"])
    #expect(linked.steps[place.path]?.contains("elsewhere") == true, "where the link would lead")
  }

  @Test func aFileIsWatchedUnderItsNameAndWhereItIs() throws {
    let place = try Place()
    try place.make("a")
    try place.make("b")
    try place.write("b/w")
    try place.link("a/data", to: "../b")
    let places = place.places { $0.add(place.path + "/a/data/w", isFile: true) }
    #expect(places.files == [place.path + "/a/data": ["w"], place.path + "/b": ["w"]])
    let whole = place.places {
      $0.add(folder: place.path + "/b")
      $0.add(place.path + "/b/w", isFile: true)
    }
    #expect(whole.files.isEmpty, "all of the folder is watched")
  }

  @Test func pathsThatLeadNowhereEnd() throws {
    let place = try Place()
    try place.link("round", to: "about")
    try place.link("about", to: "round")
    try place.write("file")
    for path in ["round", "round/x", "file/x", String(repeating: "a/", count: 1 << 20) + "a"] {
      let places = place.places { $0.add(folder: place.path + "/" + path) }
      #expect(places.folders.isEmpty)
      #expect(places.steps.count < 32)
    }
  }

  /// Each change is one that only a folder on the way reports.
  @Test(arguments: ["link", "link above", "folder", "folder above", "missing"])
  func aReplacedFolderIsNoticed(change: String) async throws {
    let place = try Place()
    for release in ["1", "2"] { try place.make("releases/\(release)/models") }
    try place.make("above/models")
    try place.link("current", to: "releases/1")
    try place.link("direct", to: "releases/1/models")
    let path =
      switch change {
      case "link": "direct"
      case "link above": "current/models"
      case "missing": "releases/3"
      default: "above/models"
      }
    let watch = FolderWatch(isPolling: false, pollInterval: .seconds(1))
    let (batches, send) = AsyncStream.makeStream(of: FolderWatch.Batch.self)
    #expect(watch.watch(WatchedPlaces(folder: place.path + "/" + path)))
    watch.start { send.yield($0) }
    let begin = ContinuousClock.now
    switch change {
    case "link": try place.link("direct", to: "releases/2/models")
    case "link above": try place.link("current", to: "releases/2")
    case "missing": try place.make("releases/3")
    case "folder":
      #expect(rename(place.path + "/above/models", place.path + "/old") == 0)
      try place.make("above/models")
    default:
      #expect(rename(place.path + "/above", place.path + "/old") == 0)
      try place.make("above/models")
    }
    for await _ in batches { break }
    #expect(ContinuousClock.now - begin < .seconds(10), "not by the look that is due twice a minute")
    #expect(watch.watch(WatchedPlaces(folder: place.path + "/" + path)), "it is another folder")
    watch.stop()
  }

  @Test func whatOthersDoInAFolderOnTheWayIsNoNews() async throws {
    let place = try Place()
    try place.make("models")
    let watch = FolderWatch(isPolling: false, pollInterval: .seconds(1))
    let seen = Locked(0)
    _ = watch.watch(WatchedPlaces(folder: place.path + "/models"))
    watch.start { _ in seen.withLock { $0 += 1 } }
    for count in 0..<200 {
      try place.write("noise\(count)")
      try await Task.sleep(for: .milliseconds(2))
    }
    try await Task.sleep(for: .milliseconds(300))
    #expect(seen.withLock { $0 } == 0)
    try place.write("models/a.onnx")
    for _ in 0..<200 where seen.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(50)) }
    #expect(seen.withLock { $0 } > 0)
    watch.stop()
  }
}
