import Foundation

/// AddressSanitizer keeps memory of its own, so that bounds on the process's memory mean nothing under it.
enum AddressSanitizer {
  static let watches = dlsym(nil, "__asan_init") != nil
}
