#!/bin/sh
# Makes Sources/ONNXFormat/Generated/onnx.pb.swift from Protos/onnx.proto.
#
# Needs protoc (Debian: protobuf-compiler). The Swift plugin is built from the swift-protobuf version that the package
# uses; only the plugin: a plain build of that package would compile protoc from its C++ sources.
set -eu
cd "$(dirname "$0")/.."
FUSEDINF_ONLY=ONNXFormat swift package resolve
scratch=$PWD/.build/protobuf-plugin
build() {
  swift build --package-path .build/checkouts/swift-protobuf --scratch-path "$scratch" \
    --product protoc-gen-swift "$@"
}
build
plugin=$(build --show-bin-path)/protoc-gen-swift
out=Sources/ONNXFormat/Generated
mkdir -p "$out"
protoc --proto_path=Protos --plugin=protoc-gen-swift="$plugin" \
  --swift_opt=Visibility=Package --swift_out="$out" Protos/onnx.proto
# The formatter leaves the generated file alone.
grep -q '^// swift-format-ignore-file' "$out/onnx.pb.swift" ||
  sed -i '1i // swift-format-ignore-file' "$out/onnx.pb.swift"
