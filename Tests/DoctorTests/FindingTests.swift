import Doctor
import Testing

/// A machine where everything is as it should be.
private var good: MachineFacts {
  var facts = MachineFacts()
  facts.kernel = "6.18.3-cloud"
  facts.target = "cpu avx512_core_vnni"
  facts.cores = 4
  facts.threads = 4
  facts.fileSystem = "ext4"
  facts.freeDisk = 100 << 30
  facts.hugePages = "madvise"
  facts.openFileLimit = 65536
  facts.memory = 8 << 30
  facts.swap = 0
  facts.budget = 4 << 30
  facts.openMP = ["OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "5000"]
  facts.readBytesPerSecond = 1.5e9
  facts.mapSeconds = 0.001
  return facts
}

@Test func aGoodMachineIsOk() {
  for finding in good.findings {
    #expect(finding.verdict == .ok && finding.remedy == nil, "\(finding)")
  }
}

private let changes: [(String, Finding.Verdict, @Sendable (inout MachineFacts) -> Void)] = [
  ("kernel", .warn, { $0.kernel = "5.10.0-28-amd64" }), ("kernel", .ok, { $0.kernel = "5.14" }),
  ("kernel", .warn, { $0.kernel = "" }), ("kernel", .warn, { $0.kernel = "x.y" }),
  ("processor", .warn, { $0.target = "cpu sse41" }), ("threads", .warn, { $0.threads = 5 }),
  ("memory", .fail, { $0.budget = 9 << 30 }), ("memory", .warn, { $0.budget = 8 << 30 }),
  ("memory", .warn, { $0.memory = nil }), ("swap", .warn, { $0.swap = 1 << 30 }),
  ("memlock", .warn, { $0.lockLimit = 8 << 20 }), ("memlock", .ok, { $0.lockLimit = 4 << 30 }),
  ("huge pages", .warn, { $0.hugePages = "never" }), ("file system", .warn, { $0.fileSystem = "nfs4" }),
  ("file system", .warn, { $0.fileSystem = "tmpfs" }), ("file system", .warn, { $0.fileSystem = "overlay" }),
  ("disk", .fail, { $0.freeDisk = 1 << 20 }), ("disk", .warn, { $0.freeDisk = 512 << 20 }),
  ("reading", .warn, { $0.readBytesPerSecond = 4e7 }), ("mapping", .warn, { $0.mapSeconds = 0.05 }),
  ("open files", .warn, { $0.openFileLimit = 1024 }),
  ("OpenMP", .warn, { $0.openMP["OMP_NUM_THREADS"] = "8" }),
  ("OpenMP", .warn, { $0.openMP["OMP_WAIT_POLICY"] = "passive" }), ("OpenMP", .ok, { $0.openMP = [:] }),
]

@Test(arguments: changes.indices)
func oneThingThatIsNotAsItShouldBeIsTheOneThatIsNamed(index: Int) throws {
  let (check, verdict, change) = changes[index]
  var facts = good
  change(&facts)
  let findings = facts.findings
  let finding = try #require(findings.first { $0.check == check })
  #expect(finding.verdict == verdict, "\(finding)")
  for other in findings where other.check != check { #expect(other.verdict == .ok, "\(other)") }
}

@Test func whatCannotBeMeasuredIsLeftOut() {
  var facts = good
  facts.readBytesPerSecond = nil
  facts.mapSeconds = nil
  facts.swap = nil
  #expect(facts.findings.count == good.findings.count - 3)
  facts.readBytesPerSecond = .infinity
  #expect(facts.findings.count == good.findings.count - 3)
}

@Test func theFileSystemIsThatOfTheDeepestMountPoint() {
  let mounts = """
    22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
    30 22 0:27 / /mnt rw shared:2 - tmpfs tmpfs rw
    31 30 0:28 / /mnt/my\\040disk rw - xfs /dev/vdb rw
    32 30 0:29 / /mnt/twice rw - nfs4 a:/ rw
    33 32 0:30 / /mnt/twice rw - btrfs /dev/vdc rw
    broken line
    """
  for (path, type) in [
    ("/", "ext4"), ("/mntx/a", "ext4"), ("/mnt", "tmpfs"), ("/mnt/my disk/store", "xfs"),
    ("/mnt/twice/a", "btrfs"),
  ] { #expect(MachineFacts.fileSystem(of: path, in: mounts) == type, "\(path)") }
  #expect(MachineFacts.fileSystem(of: "/", in: "") == nil)
}

@Test func thisMachineCanBeLookedAt() {
  let facts = MachineFacts(store: "/nowhere/at/all", budget: 1 << 20, threads: 1, target: "cpu avx2")
  #expect(!facts.kernel.isEmpty && facts.cores > 0 && (facts.memory ?? 0) > 0 && facts.fileSystem != nil)
  #expect(facts.findings.count >= 8)
}
