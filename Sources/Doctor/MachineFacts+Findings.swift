import ModelStore

extension MachineFacts {
  /// Every check's finding, in the order of a report.
  public var findings: [Finding] {
    [
      checkKernel, checkProcessor, checkThreads, checkMemory, checkSwap, checkLocking, checkHugePages,
      checkFileSystem, checkDisk, checkReading, checkMapping, checkOpenFiles, checkOpenMP,
    ].compactMap { $0 }
  }

  private static func size(_ bytes: Int) -> String { ByteSize(bytes: bytes).description }

  private var checkKernel: Finding {
    let numbers = kernel.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
    guard numbers.count == 2 else {
      return Finding("kernel", .warn, "the version '\(kernel)' could not be parsed")
    }
    // MADV_POPULATE_READ came with 5.14.
    guard (numbers[0], numbers[1]) >= (5, 14) else {
      return Finding(
        "kernel", .warn, "Linux \(kernel) cannot map many pages in one call, so swap-ins take longer",
        remedy: "Linux 5.14 or newer")
    }
    return Finding("kernel", .ok, "Linux \(kernel)")
  }

  private var checkProcessor: Finding {
    let isWide = ["avx512", "avx2", "sve", "asimd"].contains { target.lowercased().contains($0) }
    return isWide
      ? Finding("processor", .ok, "kernels for \(target)")
      : Finding(
        "processor", .warn, "kernels for \(target): without AVX2 models run several times slower",
        remedy: "in a virtual machine, pass the host's processor through (cpu=host)")
  }

  private var checkThreads: Finding {
    threads <= cores
      ? Finding("threads", .ok, "\(threads) of \(cores) cores")
      : Finding(
        "threads", .warn,
        "\(threads) threads on \(cores) cores: threads wait for each other, up to ten times slower",
        remedy: "--threads \(cores)")
  }

  private var checkMemory: Finding {
    guard let memory else { return Finding("memory", .warn, "the amount of memory could not be determined") }
    let text = "a budget of \(MachineFacts.size(budget)) in \(MachineFacts.size(memory))"
    if budget > memory {
      return Finding(
        "memory", .fail, "\(text): more than the machine, or the cgroup's limit, provides",
        remedy: "--budget \(MachineFacts.size(memory / 2)), or a higher limit (systemd: MemoryMax)")
    }
    // Plans, buffers of requests and the program itself come on top.
    if budget > memory / 10 * 9 {
      return Finding(
        "memory", .warn, "\(text): plans and the program itself need memory in addition",
        remedy: "--budget \(MachineFacts.size(memory / 10 * 8))")
    }
    return Finding("memory", .ok, text)
  }

  private var checkSwap: Finding? {
    guard let swap else { return nil }
    return swap == 0
      ? Finding("swap", .ok, "none: activations always stay in memory")
      : Finding(
        "swap", .warn, "\(MachineFacts.size(swap)): the system may move activations to the disk",
        remedy: "systemd: MemorySwapMax=0")
  }

  private var checkLocking: Finding {
    guard let lockLimit, lockLimit < budget else {
      return Finding("memlock", .ok, "pinned models can be locked in memory")
    }
    return Finding(
      "memlock", .warn,
      "\(MachineFacts.size(lockLimit)) may be locked: under pressure the system can drop pages of pinned models",
      remedy: "ulimit -l unlimited; systemd: LimitMEMLOCK=infinity")
  }

  private var checkHugePages: Finding? {
    guard let hugePages else { return nil }
    return hugePages == "never"
      ? Finding(
        "huge pages", .warn, "off: activations are mapped page by page",
        remedy: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
      : Finding("huge pages", .ok, hugePages)
  }

  private var checkFileSystem: Finding {
    let name = fileSystem ?? "unknown"
    let place = "the store, \(store), is on \(name)"
    switch name {
    case "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "virtiofs", "fuse.sshfs", "fuse":
      return Finding(
        "file system", .warn,
        "\(place): a cold swap-in waits for the network, and a lost connection fails it",
        remedy: "--store on a local disk")
    case "tmpfs", "ramfs":
      return Finding(
        "file system", .warn, "\(place): its files take memory, beside the budget",
        remedy: "--store on a disk")
    case "overlay":
      return Finding(
        "file system", .warn, "\(place), a container's own layer: added models are lost with the container",
        remedy: "put --store on a volume")
    default: return Finding("file system", .ok, place)
    }
  }

  private var checkDisk: Finding? {
    guard let freeDisk else { return nil }
    if freeDisk < 64 << 20 {
      return Finding(
        "disk", .fail, "\(MachineFacts.size(freeDisk)) free: nothing can be added",
        remedy: "--store elsewhere")
    }
    return freeDisk < 1 << 30
      ? Finding(
        "disk", .warn, "\(MachineFacts.size(freeDisk)) free: a model takes twice its file's size",
        remedy: "fusedinf remove, or --store elsewhere")
      : Finding("disk", .ok, "\(MachineFacts.size(freeDisk)) free")
  }

  private var checkReading: Finding? {
    guard let readBytesPerSecond, readBytesPerSecond.isFinite, readBytesPerSecond > 0 else { return nil }
    let megabytes = Int((min(readBytesPerSecond, 1e12) / 1e6).rounded())
    let text =
      "\(megabytes) MB/s cold: loading 100 MB of weights takes \(Int((1e11 / max(readBytesPerSecond, 1)).rounded())) ms"
    return megabytes < 200
      ? Finding(
        "reading", .warn, text,
        remedy: "use a faster disk, or leave memory for the page cache beside the budget")
      : Finding("reading", .ok, text)
  }

  private var checkMapping: Finding? {
    guard let mapSeconds else { return nil }
    let milliseconds = (mapSeconds * 1e4).rounded() / 10
    // 1.3 ms for 100 MiB was measured with large folios, 3.8 with page-table entries of 4 KiB.
    return mapSeconds < 0.006
      ? Finding("mapping", .ok, "64 MiB of the page cache in \(milliseconds) ms: warm swap-ins are quick")
      : Finding(
        "mapping", .warn, "64 MiB of the page cache take \(milliseconds) ms: warm swap-ins are slow here",
        remedy:
          "a file system with large folios (xfs, or ext4 of Linux 6.16 and newer); not gVisor or a FUSE mount"
      )
  }

  private var checkOpenFiles: Finding? {
    guard let openFileLimit else { return nil }
    return openFileLimit < 4096
      ? Finding(
        "open files", .warn, "\(openFileLimit): connections and models share them",
        remedy: "ulimit -n 65536; systemd: LimitNOFILE=65536")
      : Finding("open files", .ok, "\(openFileLimit)")
  }

  private var checkOpenMP: Finding {
    let others = openMP.filter { name, value in
      !(name == "OMP_WAIT_POLICY" && value.lowercased() == "active")
        && !(name == "GOMP_SPINCOUNT" && value == "5000")
    }
    guard !others.isEmpty else {
      return Finding("OpenMP", .ok, "no variable changes how threads wait")
    }
    let list = others.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    return Finding(
      "OpenMP", .warn, "\(list) changes the waiting or the number of the kernels' threads",
      remedy: "unset \(others.keys.sorted().joined(separator: " ")); use --threads to set their number")
  }
}
