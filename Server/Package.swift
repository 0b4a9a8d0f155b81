// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Where `make deps` of the root package unpacks oneDNN. A system oneDNN is found through pkg-config instead.
let onednn =
  URL(fileURLWithPath: Context.packageDirectory).deletingLastPathComponent().path + "/.deps/onednn/lib"
let rpath: [LinkerSetting] =
  FileManager.default.fileExists(atPath: onednn)
  ? [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", onednn])] : []
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
]

let engine: Target.Dependency = .product(name: "FusedInf", package: "fusedinf")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
  name: "fusedinf-server",
  dependencies: [
    .package(name: "fusedinf", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
    .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
  ],
  targets: [
    // zlib, for bodies that clients compress.
    .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
    // The messages of the Open Inference Protocol with Triton's extensions, without any transport.
    .target(name: "InferenceProtocol", dependencies: [engine], swiftSettings: strict),
    // What the server does, whatever it is asked through.
    .target(
      name: "Serving",
      dependencies: ["InferenceProtocol", engine, log, .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "HTTPFrontend",
      dependencies: [
        "Serving", "InferenceProtocol", "CZlib", engine, log, lifecycle,
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ], swiftSettings: strict),
    .target(
      name: "GRPCFrontend",
      dependencies: [
        "Serving", "InferenceProtocol", engine, log, lifecycle,
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "fusedinf-server",
      dependencies: [
        "HTTPFrontend", "GRPCFrontend", "Serving", engine, log, lifecycle,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict, linkerSettings: rpath),
    .testTarget(
      name: "ServingTests", dependencies: ["Serving", "InferenceProtocol", engine], swiftSettings: strict,
      linkerSettings: rpath),
  ]
)
