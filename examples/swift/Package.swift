// swift-tools-version: 6.2
import PackageDescription

// Needs nothing but the toolchain.
let package = Package(
  name: "fusedinf-client",
  targets: [
    .executableTarget(
      name: "ask", swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)])
  ]
)
