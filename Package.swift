// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The folder into which `make deps` unpacks oneDNN. A system oneDNN is found through pkg-config instead.
let onednn = Context.packageDirectory + "/.deps/onednn/lib"
let rpath: [LinkerSetting] =
  FileManager.default.fileExists(atPath: onednn)
  ? [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", onednn])] : []
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
]

/// One pipeline stage: its target, what it imports, and the targets its tests need beside it.
struct Stage {
  var name: String
  var imports: [String]
  var products: [Target.Dependency] = []
  var testImports: [String] = []
}

// Arrows point down only: a stage imports stages that are listed above it.
let stages = [
  Stage(name: "Tensors", imports: []),
  Stage(name: "ModelGraph", imports: ["Tensors"]),
  Stage(name: "Device", imports: ["Tensors", "ModelGraph"]),
  Stage(
    name: "ONNXFormat", imports: ["Tensors", "ModelGraph", "CHost"],
    products: [.product(name: "SwiftProtobuf", package: "swift-protobuf")]),
  Stage(name: "GraphPasses", imports: ["Tensors", "ModelGraph"], testImports: ["ONNXFormat"]),
  Stage(
    name: "Kernels",
    imports: [
      "Tensors", "ModelGraph", "Device", "CDNNL", "CKernelLibrary", "CHost", "CElements", "CWinograd",
    ]),
  Stage(name: "ModelStore", imports: ["Tensors", "CHost"]),
  Stage(
    name: "ModelCompiler", imports: ["Tensors", "ModelGraph", "GraphPasses", "Device", "ModelStore"]),
  Stage(name: "Linker", imports: ["Tensors", "ModelGraph", "GraphPasses", "Device", "ModelStore"]),
  Stage(name: "Residency", imports: ["Device"]),
  Stage(
    name: "Executor", imports: ["Tensors", "ModelGraph", "Device", "Linker", "Residency", "ModelStore"],
    testImports: ["ModelCompiler", "GraphPasses"]),
  Stage(
    name: "Engine",
    imports: [
      "Tensors", "ModelGraph", "GraphPasses", "Device", "ONNXFormat", "ModelStore", "ModelCompiler", "Linker",
      "Residency", "Executor",
    ], testImports: ["Kernels", "CHost"]),
  Stage(name: "Settings", imports: ["Device", "ModelStore", "Engine"]),
  Stage(name: "Doctor", imports: ["ModelStore", "Engine"]),
  Stage(name: "Pictures", imports: ["Tensors", "ModelGraph", "Device", "ModelStore", "Linker"]),
  Stage(
    name: "Scheduler",
    imports: [
      "Tensors", "ModelGraph", "GraphPasses", "Device", "ModelStore", "Linker", "Residency", "Executor",
      "Engine",
    ], testImports: ["ModelCompiler", "Kernels"]),
]
let commandLine = [
  "Tensors", "ModelGraph", "Device", "ONNXFormat", "GraphPasses", "Kernels", "ModelStore", "ModelCompiler",
  "Linker", "Residency", "Executor", "Engine", "Settings", "Doctor", "Pictures", "CHost",
]

// FUSEDINF_ONLY=Linker,Residency builds and tests just these stages and what they import.
let only = Context.environment["FUSEDINF_ONLY"].map { Set($0.split(separator: ",").map(String.init)) }
var wanted = only ?? Set(stages.map(\.name) + ["fusedinf"])
if wanted.contains("fusedinf") { wanted.formUnion(stages.map(\.name)) }
for stage in stages.reversed() where wanted.contains(stage.name) {
  wanted.formUnion(stage.imports + ((only?.contains(stage.name) ?? true) ? stage.testImports : []))
}

var targets: [Target] = [
  .target(name: "CHost", cSettings: [.treatAllWarnings(as: .error)])
]
if wanted.contains("Kernels") {
  targets.append(.systemLibrary(name: "CDNNL", pkgConfig: "dnnl"))
  targets.append(
    .target(name: "CKernelLibrary", dependencies: ["CDNNL"], cxxSettings: [.treatAllWarnings(as: .error)]))
  targets.append(
    .target(name: "CElements", dependencies: ["CHost"], cSettings: [.treatAllWarnings(as: .error)]))
  targets.append(
    .target(name: "CWinograd", dependencies: ["CHost"], cSettings: [.treatAllWarnings(as: .error)]))
}
for stage in stages where wanted.contains(stage.name) {
  let dependencies = stage.imports.map { Target.Dependency.byName(name: $0) }
  targets.append(
    .target(name: stage.name, dependencies: dependencies + stage.products, swiftSettings: strict))
  let tests = "Tests/\(stage.name)Tests"
  if only?.contains(stage.name) ?? true,
    FileManager.default.fileExists(atPath: Context.packageDirectory + "/" + tests)
  {
    let imports = [stage.name] + stage.imports + stage.testImports.filter { !stage.imports.contains($0) }
    targets.append(
      .testTarget(
        name: "\(stage.name)Tests", dependencies: imports.map { .byName(name: $0) } + stage.products,
        // Tests find their fixtures beside their source.
        exclude: FileManager.default.fileExists(atPath: Context.packageDirectory + "/\(tests)/Fixtures")
          ? ["Fixtures"] : [],
        swiftSettings: strict, linkerSettings: rpath))
  }
}
if wanted.contains("fusedinf") {
  targets.append(
    .executableTarget(
      name: "fusedinf",
      dependencies: commandLine.map { .byName(name: $0) } + [
        .product(name: "ArgumentParser", package: "swift-argument-parser")
      ], swiftSettings: strict, linkerSettings: rpath))
  if FileManager.default.fileExists(atPath: Context.packageDirectory + "/Tests/fusedinfTests") {
    targets.append(
      .testTarget(
        name: "fusedinfTests", dependencies: commandLine.map { .byName(name: $0) }, swiftSettings: strict,
        linkerSettings: rpath))
  }
}
// The benchmark's contender is built on demand only: `make bench` sets FUSEDINF_BENCH.
if wanted.contains("fusedinf"), Context.environment["FUSEDINF_BENCH"] == "1" {
  targets.append(
    .executableTarget(
      name: "fusedinf-bench", dependencies: commandLine.map { .byName(name: $0) }, path: "bench/Contender",
      swiftSettings: strict, linkerSettings: rpath))
}
// So is the runner of the conformance tests: `make conformance` sets FUSEDINF_CONFORMANCE.
if wanted.contains("fusedinf"), Context.environment["FUSEDINF_CONFORMANCE"] == "1" {
  targets.append(
    .executableTarget(
      name: "fusedinf-conformance", dependencies: commandLine.map { .byName(name: $0) },
      path: "Tests/Conformance/Runner", swiftSettings: strict, linkerSettings: rpath))
}

let package = Package(
  name: "fusedinf",
  // The products on which the package in `Server/` is built.
  products: only == nil
    ? [.library(name: "FusedInf", targets: stages.map(\.name))] : [],
  dependencies: (wanted.contains("fusedinf")
    ? [.package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")] : [])
    + (wanted.contains("ONNXFormat")
      ? [.package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: [])] : []),
  targets: targets
)
