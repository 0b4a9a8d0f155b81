import ArgumentParser
import Doctor
import Foundation
import Kernels

/// `fusedinf doctor`: reports what is slow or impossible on this machine, and how to fix it.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check this machine: report what will be slow, and how to fix it.",
    discussion: """
      Inspects kernel, processor, memory and its limits, file system, disk and environment, and measures reading and \
      mapping on the store's file system. The exit status is 1 if something cannot work.
      """)

  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let configuration = try engine.configuration()
    let facts = MachineFacts(
      store: try store.directory(), budget: configuration.budget, threads: configuration.threads,
      target: "\(try CPUDevice().target)")
    let findings = facts.findings
    if output.json {
      try printJSON(Report(facts: facts, findings: findings))
    } else {
      for finding in findings {
        let name = finding.check.padding(toLength: 12, withPad: " ", startingAt: 0)
        print(
          "\(finding.verdict.rawValue.padding(toLength: 4, withPad: " ", startingAt: 0))  \(name) \(finding.text)"
        )
        if let remedy = finding.remedy { print("                   to fix it: \(remedy)") }
      }
    }
    if findings.contains(where: { $0.verdict == .fail }) { throw ExitCode.failure }
  }

  private struct Report: Encodable {
    var facts: MachineFacts
    var findings: [Finding]
  }
}
