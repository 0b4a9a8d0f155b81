import Foundation
import ModelStore

/// One look at a ``RepositoryFolder``: its entries, and the models among them.
struct RepositoryLook {
  private(set) var listing: RepositoryFolder.Listing
  /// All places that were looked at, also when reading them failed.
  private(set) var places: WatchedPlaces
  private let path: String
  private let keepVersions: Int
  private(set) var locations: ExternalLocations
  private var sidecars: Set<String> = []
  /// Folders with external data of models, and the folders above them.
  private var dataFolders: Set<String> = []
  /// The file with the models' names cannot be read.
  private var isAnyFileTheModel = false

  private static let maxDepth = 4
  /// Endings of models' files that other runtimes read.
  private static let otherFormats = [
    ".pt", ".pth", ".torchscript", ".plan", ".engine", ".tflite", ".pb", ".graphdef", ".savedmodel",
    ".caffemodel",
    ".mlmodel", ".gguf", ".safetensors",
  ]

  init(_ path: String, keepVersions: Int, locations: ExternalLocations) {
    self.path = path
    self.keepVersions = keepVersions
    self.locations = locations
    places = WatchedPlaces(folder: path)
    var status = stat()
    let isKnown = stat(path, &status) == 0
    listing = RepositoryFolder.Listing(
      models: [], place: isKnown ? "\(status.st_dev):\(status.st_ino)" : "")
  }

  /// Reads the folder.
  /// - Throws: when it, or a folder in it, cannot be read.
  mutating func read() throws {
    let names = try list(path)
    sidecars = Set(names.filter { $0.hasSuffix(".yaml") })
    let files = try lookAtFiles(names)
    try lookAtFolders(names, besides: files)
    listing.models.sort { ($0.name, $0.number ?? 0) < ($1.name, $1.number ?? 0) }
    listing.notices.sort()
    locations.forgetOthers()
  }

  /// The file or folder at a path, which is watched with all links that lead to it.
  private mutating func entry(_ path: String) -> FolderEntry? {
    let entry = FolderEntry(path)
    places.add(path, isFile: entry?.isFolder == false)
    return entry
  }

  private mutating func notice(_ path: String, _ reason: String) {
    listing.notices.append("'\(path)' is not served: \(reason)")
  }

  /// The names in a folder that are looked at, sorted.
  private mutating func list(_ folder: String) throws -> [String] {
    let all = try FileManager.default.contentsOfDirectory(atPath: folder)
    if all.count > RepositoryFolder.maxEntries {
      notice(folder, "of its \(all.count) entries \(RepositoryFolder.maxEntries) are looked at")
    }
    return all.prefix(RepositoryFolder.maxEntries).filter(RepositoryFolder.isTaken).sorted()
  }

  /// The names in a folder below; none when it went away meanwhile.
  private mutating func listBelow(_ folder: String) throws -> [String] {
    do { return try list(folder) } catch {
      guard FolderEntry(folder) != nil else { return [] }
      throw error
    }
  }

  private mutating func isName(_ name: String, of file: String) -> Bool {
    do {
      try ModelStore.check(name: name)
      return true
    } catch {
      notice(file, "\(error)")
      return false
    }
  }

  // MARK: Files

  /// - Returns: the names of the models that are single files.
  private mutating func lookAtFiles(_ names: [String]) throws -> Set<String> {
    var found: Set<String> = []
    // Of names that differ in their ending's letters, the usual one comes first.
    let models = names.filter { $0.hasSuffix(".onnx") } + names.filter { !$0.hasSuffix(".onnx") }
    for name in models {
      let file = path + "/" + name
      guard let stem = RepositoryFolder.stem(of: name) else {
        lookAtOther(name, file, names)
        continue
      }
      guard let entry = entry(file) else {
        notice(file, RepositoryLook.reason(file))
        continue
      }
      guard !entry.isFolder, isName(stem, of: file) else { continue }
      guard found.insert(stem).inserted else {
        notice(file, "another file is the model '\(stem)'")
        continue
      }
      let beside = names.filter {
        $0.hasPrefix(stem + ".") && $0 != name && RepositoryFolder.stem(of: $0) == nil
          && !$0.hasSuffix(".yaml")
          && !$0.hasSuffix(".pipeline.json")
      }
      add(
        stem, nil, isChosen: true, entry, configuration: nil,
        beside.compactMap { self.entry(path + "/" + $0) }.filter { !$0.isFolder })
    }
    return found
  }

  private mutating func lookAtOther(_ name: String, _ file: String, _ names: [String]) {
    let lowered = name.lowercased()
    if RepositoryLook.otherFormats.contains(where: { lowered.hasSuffix($0) }) {
      // It may be external data of a model beside it.
      let isBeside = names.contains { other in
        RepositoryFolder.stem(of: other).map { name.hasPrefix($0 + ".") } == true
      }
      if !isBeside { notice(file, "only ONNX models are served; export it as .onnx") }
    } else if name.hasSuffix(".yml"), !name.hasSuffix(".pipeline.yml") {
      listing.notices.append("'\(file)' is not read: settings of a model are in a file that ends in .yaml")
    }
  }

  /// Returns the reason why a path is no file that is read.
  private static func reason(_ path: String) -> String {
    var status = stat()
    if stat(path, &status) == 0 {
      return status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is not a regular file"
    }
    let number = errno
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else {
      return String(cString: strerror(number))
    }
    return "it is a link that leads nowhere"
  }

  // MARK: Folders

  private mutating func lookAtFolders(_ names: [String], besides files: Set<String>) throws {
    for name in names {
      let folder = path + "/" + name
      guard let entry = entry(folder), entry.isFolder else { continue }
      places.add(folder: folder)
      let inside = try listBelow(folder)
      if files.contains(name) {
        if inside.contains(where: { RepositoryFolder.stem(of: $0) != nil || Int($0) != nil }) {
          notice(folder, "'\(name).onnx' beside it is the model of that name")
        }
        continue
      }
      let noticed = listing.notices.count
      let known = listing.models.count
      if !inside.isEmpty {
        guard isName(name, of: folder) else { continue }
        try lookAt(model: name, folder, inside)
      }
      if listing.models.count == known, listing.notices.count == noticed, !dataFolders.contains(folder) {
        notice(folder, "it holds no model file, such as '\(name)/1/model.onnx'")
      }
    }
  }

  private mutating func lookAt(model name: String, _ folder: String, _ names: [String]) throws {
    let configuration = names.contains("config.pbtxt") ? folder + "/config.pbtxt" : nil
    // Its errors are reported when the model is compiled; until they are mended, the served versions stay.
    let settings = configuration.flatMap { try? ModelConfiguration(readFrom: $0) }
    if let settings {
      listing.configurations[name] = settings
      if !settings.ignored.isEmpty {
        listing.notices.append(
          "model '\(name)': config.pbtxt sets what is not followed: \(settings.ignored.joined(separator: ", "))"
        )
      }
    }
    let file = settings?.defaultModelFilename ?? "model.onnx"
    isAnyFileTheModel = configuration != nil && settings == nil
    defer { isAnyFileTheModel = false }
    var versions: [(number: Int, model: FolderEntry)] = []
    for name in names {
      guard let number = versionNumber(name, in: folder, file) else { continue }
      let version = folder + "/" + name
      places.add(folder: version)
      if let model = try modelFile(file, in: version) { versions.append((number, model)) }
    }
    if versions.isEmpty {
      if let model = try modelFile(file, in: folder, isNoticed: settings?.otherPlatform == nil) {
        add(name, nil, isChosen: true, model, configuration: configuration, files(in: folder, depth: 1))
      } else if let platform = settings?.otherPlatform {
        notice(folder, "its config.pbtxt asks for '\(platform)'; only ONNX models are served")
      }
      return
    }
    if names.contains(file) { notice(folder + "/" + file, "folders beside it are the model's versions") }
    let policy = settings?.versionPolicy ?? .latest(keepVersions)
    let chosen = policy.chosen(of: versions.map(\.number))
    if chosen.isEmpty {
      notice(folder, "the version_policy of its config.pbtxt chooses none of its versions")
    }
    for (number, model) in versions {
      let version = folder + "/\(number)"
      add(
        name, number, isChosen: chosen.contains(number), model, configuration: configuration,
        files(in: version, depth: RepositoryLook.maxDepth))
    }
  }

  /// The version that a folder's name is; `nil` for what is no folder of a version.
  private mutating func versionNumber(_ name: String, in folder: String, _ file: String) -> Int? {
    guard let entry = entry(folder + "/" + name), entry.isFolder else { return nil }
    if let number = Int(name), "\(number)" == name, ModelStore.versionNumbers.contains(number) {
      return number
    }
    if Int(name) != nil || FolderEntry(entry.path + "/" + file)?.isFolder == false {
      notice(
        entry.path,
        "it is no version: versions are numbers from 1 to \(ModelStore.versionNumbers.upperBound - 1), without zeros before them"
      )
    }
    return nil
  }

  /// The model's file in a folder: the one of that name, or else the only one whose name differs in upper and lower case.
  private mutating func modelFile(_ file: String, in folder: String, isNoticed: Bool = true) throws
    -> FolderEntry?
  {
    if let entry = entry(folder + "/" + file), !entry.isFolder { return entry }
    let names = try listBelow(folder)
    let alike = names.filter {
      $0.lowercased() == file.lowercased() || (isAnyFileTheModel && RepositoryFolder.stem(of: $0) != nil)
    }
    if alike.count == 1, let entry = entry(folder + "/" + alike[0]), !entry.isFolder { return entry }
    guard isNoticed else { return nil }
    let others = names.filter { RepositoryFolder.stem(of: $0) != nil }
    func isFile(_ name: String) -> Bool { FolderEntry(folder + "/" + name)?.isFolder == false }
    var status = stat()
    if lstat(folder + "/" + file, &status) == 0 {
      notice(folder + "/" + file, RepositoryLook.reason(folder + "/" + file))
    } else if let other = others.first(where: isFile) {
      notice(
        folder,
        "it holds '\(other)' and no '\(file)'; rename the file, or name it with default_model_filename in a "
          + "config.pbtxt")
    } else if let other = others.first {
      notice(folder + "/" + other, RepositoryLook.reason(folder + "/" + other))
    } else if names.contains("config.pbtxt") || Int(FolderEntry.name(of: folder)) != nil {
      notice(folder, "it holds no '\(file)'")
    }
    return nil
  }

  /// The files in a folder and in those below it.
  private mutating func files(in folder: String, depth: Int) -> [FolderEntry] {
    var found: [FolderEntry] = []
    for name in (try? listBelow(folder)) ?? [] {
      guard found.count < RepositoryFolder.maxEntries, let entry = entry(folder + "/" + name) else {
        continue
      }
      if !entry.isFolder {
        found.append(entry)
      } else if depth > 1 {
        places.add(folder: entry.path)
        found += files(in: entry.path, depth: depth - 1)
      }
    }
    return found
  }

  // MARK: Models

  private mutating func add(
    _ name: String, _ number: Int?, isChosen: Bool, _ model: FolderEntry, configuration: String?,
    _ others: [FolderEntry]
  ) {
    let sidecar = sidecars.contains(name + ".yaml") ? entry(path + "/" + name + ".yaml") : nil
    if sidecar == nil, sidecars.contains(name + ".yaml") {
      let file = path + "/" + name + ".yaml"
      listing.notices.append("'\(file)' is not read: \(RepositoryLook.reason(file))")
    }
    let settings = configuration.flatMap { entry($0) }
    var files = [model] + others.filter { $0.path != model.path && $0.path != configuration }
    files += [sidecar, settings].compactMap { $0 }
    var missing = settings == nil ? [configuration].compactMap { $0 } : []
    let folder = FolderEntry.folder(of: model.path)
    for location in model.externalLocations(&locations)
    where !location.hasPrefix("/") && !location.split(separator: "/").contains("..") {
      let file = folder + "/" + location
      var above = FolderEntry.folder(of: file)
      while above.hasPrefix(path + "/"), dataFolders.insert(above).inserted {
        above = FolderEntry.folder(of: above)
      }
      guard let entry = entry(file), !entry.isFolder else {
        missing.append(file)
        continue
      }
      if !files.contains(where: { $0.path == file }) { files.append(entry) }
    }
    let linked = files.flatMap(\.linked)
    listing.models.append(
      FoundModel(
        name: name, number: number, isChosen: isChosen, path: model.path, sidecar: sidecar?.path,
        configuration: configuration, files: files.map(\.path) + linked,
        fingerprint: FolderEntry.fingerprint(files, missing: missing, in: path)))
  }
}
