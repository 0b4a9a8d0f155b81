#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Restarts the program with OpenMP's waits set, unless its environment already sets them. A program calls
/// this before anything else. Returns if they are set, or if the program cannot be restarted: it then
/// continues, but slower.
///
/// OpenMP reads its wait policy when its library is loaded, before `main`. Threads of a lane wait about 100
/// µs for its next kernel before they sleep. Waking them for each kernel costs a third of a small model's
/// time, but threads of an idle lane must not spin for long on a core that another lane computes on. If lanes
/// have more threads together than there are cores, GNU OpenMP itself shortens the wait to a fifth.
public func restartWithShortOpenMPWaits() {
  guard getenv("OMP_WAIT_POLICY") == nil, getenv("GOMP_SPINCOUNT") == nil else { return }
  setenv("OMP_WAIT_POLICY", "active", 1)
  setenv("GOMP_SPINCOUNT", "5000", 1)
  var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
  arguments.append(nil)
  execv("/proc/self/exe", arguments)
  for argument in arguments { free(argument) }
}
