#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Starts the program once more with OpenMP's waits set, when its environment does not set them; a program calls it
/// before it does anything else. Returns when they are set, or when the program cannot be started: it then runs on, slower.
///
/// OpenMP reads how its threads wait when its library is loaded, before `main`. Threads of a lane wait about 100 µs for its
/// next kernel before they sleep: to wake them for each costs a third of a small model's time, and those of a lane that
/// has nothing more to do must not spin for long on a core that another lane computes on. Where lanes have more threads
/// together than there are cores, GNU OpenMP itself cuts the wait to a fifth.
public func restartWithShortOpenMPWaits() {
  guard getenv("OMP_WAIT_POLICY") == nil, getenv("GOMP_SPINCOUNT") == nil else { return }
  setenv("OMP_WAIT_POLICY", "active", 1)
  setenv("GOMP_SPINCOUNT", "5000", 1)
  var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
  arguments.append(nil)
  execv("/proc/self/exe", arguments)
  for argument in arguments { free(argument) }
}
