import Foundation
import ModelStore
import Repository
import Yams

/// The file of API keys: YAML with one list, `keys`.
///
///     keys:
///       - name: camera               # the tenant
///         sha256: 9f86d081884c7d65…  # of the key: fusedinf-server make-key camera
///         models: [detector, ocr-*]  # all when left out
///         rate: 20                   # requests a second; unlimited when left out
///         burst: 40                  # requests at once; the rate when left out
///         admin: false
public struct APIKeyFile: Sendable {
  /// Why a file of keys cannot be used.
  public struct Problem: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  public let keys: [APIKey]

  /// - Throws: ``Problem``.
  public init(reading path: String) throws(Problem) {
    let text: String
    do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
      throw Problem(description: "the file of API keys, '\(path)', cannot be read")
    }
    do throws(Problem) { try self.init(text) } catch {
      throw Problem(description: "\(path): \(error)")
    }
  }

  /// - Parameter text: the file's contents.
  public init(_ text: String) throws(Problem) {
    let rows: [Row]
    do { try PlainYAML.check(text) } catch { throw Problem(description: error.description) }
    do { rows = try YAMLDecoder().decode(File.self, from: text).keys } catch {
      throw Problem(
        description:
          "not a list 'keys' of entries with 'name' and 'sha256' (and 'models', 'rate', 'burst', 'admin'): \(error)"
      )
    }
    var keys: [APIKey] = []
    for row in rows {
      guard !row.name.isEmpty, let hash = ContentHash(row.sha256) else {
        throw Problem(
          description: "the key '\(row.name)': a name and 'sha256', 64 hexadecimal digits, are needed; "
            + "'fusedinf-server make-key NAME' prints them")
      }
      guard (row.rate ?? 1) > 0, (row.rate ?? 1) <= 1e9, (row.burst ?? 1) >= 1, (row.burst ?? 1) <= 1e9 else {
        throw Problem(description: "the key '\(row.name)': 'rate' must be above 0, and 'burst' at least 1")
      }
      guard !keys.contains(where: { $0.hash == hash || $0.name == row.name }) else {
        throw Problem(description: "the key '\(row.name)' is listed twice")
      }
      keys.append(
        APIKey(
          name: row.name, hash: hash, models: (row.models ?? ["*"]).map(NamePattern.init),
          rate: row.rate.map { APIKey.Rate(perSecond: $0, burst: row.burst) },
          isAdministrator: row.admin ?? false))
    }
    self.keys = keys
  }

  private struct File: Decodable {
    var keys: [Row]
  }

  private struct Row: Decodable {
    var name: String
    var sha256: String
    var models: [String]?
    var rate: Double?
    var burst: Double?
    var admin: Bool?
  }
}
