#!/bin/sh
# Makes Sources/GRPCMessages/Generated from Protos: the messages' Swift types, and the files' descriptors, which reflection
# gives out.
#
# Needs protoc (Debian: protobuf-compiler). The Swift plugin is built from the swift-protobuf version that the package
# uses, in a folder of its own: building it inside this package would compile protoc from its C++ sources. The calls are
# registered by hand (Sources/GRPCFrontend), so no plugin makes code of services.
set -eu
cd "$(dirname "$0")/.."
swift package resolve
scratch=$PWD/.build/protobuf-plugin
build() {
  swift build --package-path .build/checkouts/swift-protobuf --scratch-path "$scratch" \
    --product protoc-gen-swift "$@"
}
plugin=${PROTOC_GEN_SWIFT:-}
if [ -z "$plugin" ]; then
  build
  plugin=$(build --show-bin-path)/protoc-gen-swift
fi
out=Sources/GRPCMessages/Generated
rm -rf "$out"
mkdir -p "$out"
protos=$(cd Protos && find . -name '*.proto' | sed 's,^\./,,' | LC_ALL=C sort)
# The messages of reflection's v1alpha are those of v1 under another name: one set of types serves both.
# shellcheck disable=SC2046,SC2086 # names without spaces
protoc --proto_path=Protos --plugin=protoc-gen-swift="$plugin" --swift_opt=Visibility=Package \
  --swift_opt=FileNaming=PathToUnderscores --swift_out="$out" $(echo "$protos" | grep -v v1alpha)
{
  echo '/// The descriptors of the files under Protos, by name: each a serialised FileDescriptorSet of one file, in Base64.'
  echo 'package let fileDescriptors: [(name: String, base64: String)] = ['
  for proto in $protos; do
    protoc --proto_path=Protos --descriptor_set_out="$out/set" "$proto"
    printf '  ("%s", "%s"),\n' "$proto" "$(base64 -w 0 <"$out/set")"
  done
  echo ']'
} >"$out/FileDescriptors.swift"
rm "$out/set"
# The formatter leaves generated files alone.
for file in "$out"/*.swift; do
  grep -q '^// swift-format-ignore-file' "$file" || sed -i '1i // swift-format-ignore-file' "$file"
done
