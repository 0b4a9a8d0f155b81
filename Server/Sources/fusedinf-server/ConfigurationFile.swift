import Foundation
import Repository
import Settings
import Yams

extension Settings {
  /// The server's settings from its command line, the environment, and the file that `--config` or `FUSEDINF_CONFIG` names.
  /// - Throws: ``SettingsError``.
  init(_ words: [String], environment: [String: String] = ProcessInfo.processInfo.environment)
    throws(SettingsError)
  {
    var words = words
    let path = try Settings.takeConfigurationPath(from: &words) ?? environment["FUSEDINF_CONFIG"]
    let options = try KnobOptions(words, knobs: KnobDeclaration.server)
    let file = try path.flatMap { path throws(SettingsError) in
      path.isEmpty ? nil : try Settings.File(reading: path)
    }
    try self.init(
      knobs: KnobDeclaration.server, options: options.values, environment: environment, file: file)
  }

  private static func takeConfigurationPath(from words: inout [String]) throws(SettingsError) -> String? {
    if let index = words.firstIndex(of: "--config") {
      guard index + 1 < words.count else {
        throw SettingsError("--config needs a file")
      }
      let path = words[index + 1]
      words.removeSubrange(index...index + 1)
      return path
    }
    guard let index = words.firstIndex(where: { $0.hasPrefix("--config=") }) else { return nil }
    return String(words.remove(at: index).dropFirst("--config=".count))
  }
}

extension Settings.File {
  /// Reads a YAML mapping from settings' names to their values; a list stands for its elements.
  init(reading path: String) throws(SettingsError) {
    var values: [String: String] = [:]
    do {
      let text = try String(contentsOfFile: path, encoding: .utf8)
      guard let node = try PlainYAML.compose(text) else {
        self.init(path: path, values: [:])
        return
      }
      guard let mapping = node.mapping else {
        throw SettingsError("\(path): the file must be a mapping, with a line 'NAME: VALUE' for each setting")
      }
      for (key, value) in mapping {
        guard let name = key.string else { throw SettingsError("\(path): a key is not a string") }
        if let scalar = value.scalar {
          values[name] = scalar.string
        } else if let texts = value.sequence?.map({ $0.scalar?.string }), !texts.contains(nil) {
          values[name] = texts.compactMap { $0 }.joined(separator: ",")
        } else {
          throw SettingsError("\(path): '\(name)' takes a value or a list of values")
        }
      }
    } catch let error as SettingsError {
      throw error
    } catch let error as PlainYAML.Problem {
      throw SettingsError("\(path): \(error)")
    } catch let error as YamlError {
      throw SettingsError("\(path): not valid YAML: \(error)")
    } catch { throw SettingsError("'\(path)' cannot be read: \(error.localizedDescription)") }
    self.init(path: path, values: values)
  }
}
