import Foundation

/// The files that outputs of these names are written to, in order, each another.
///
/// A name that can be a file's stays as it is; one with a '/' has '_' there, and a number behind when that is taken.
func outputFiles(for names: [String]) -> [String] {
  var taken = Set(names.filter { !$0.contains("/") })
  return names.map { name in
    guard name.contains("/") else { return name + ".npy" }
    let base = name.replacingOccurrences(of: "/", with: "_")
    var file = base
    var number = 1
    while !taken.insert(file).inserted {
      number += 1
      file = "\(base)#\(number)"
    }
    return file + ".npy"
  }
}
