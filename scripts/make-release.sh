#!/bin/bash
# Makes dist/fusedinf-VERSION-linux-ARCH.tar.gz out of what `make build-server` has built: the programs, the libraries
# that a Debian 12 without Swift lacks, all licence texts, the examples, the documents.
#
# Swift's libraries are not linked statically: each executable would carry its own copy of Foundation and ICU, and everything
# would be compiled twice. libgomp comes from Debian: to distribute a copy, one must offer its source.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/find-python.sh)
programs=(.build/release/fusedinf Server/.build/release/fusedinf-server)
version=$(sed -n 's/.*let text = "\(.*\)"/\1/p' Sources/Settings/ProductVersion.swift)
name=fusedinf-$version-linux-$(uname -m)
mkdir -p dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/$name
mkdir -p "$root"/{bin,lib,licenses}

for program in "${programs[@]}"; do
  install -m 755 "$(readlink -f "$program")" "$root/bin/$(basename "$program")"
done
strip "$root"/bin/*
# Where it was built is no place to look for libraries.
"$python" scripts/set-runpath.py "\$ORIGIN/../lib" "$root"/bin/*

# The libraries that are not the system's: oneDNN and Swift's runtime, which look for one another beside themselves.
libraries=$(ldd "${programs[@]}" | awk '$2 == "=>" && $3 !~ "^/(usr/)?lib/" { print $3 }' | sort -u)
for library in $libraries; do install -m 644 "$(readlink -f "$library")" "$root/lib/$(basename "$library")"; done

texts() { # name folder: licences and notices of a package, also of what it has taken into its sources
  local file
  find "$2" -maxdepth 3 -type f \( -name 'LICENSE*' -o -name 'NOTICE*' -o -name 'THIRD-PARTY*' \) -not -path "$2/.*" |
    while read -r file; do
      mkdir -p "$root/licenses/$1"
      cp "$file" "$root/licenses/$1/$(realpath --relative-to="$2" "$file" | tr / -)"
    done
  [ -d "$root/licenses/$1" ] || { echo "release: no licence text in $2" >&2; exit 1; }
}
texts onednn .deps/onednn/licenses
for package in .build/checkouts/* Server/.build/checkouts/*; do texts "$(basename "$package")" "$package"; done
swift=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
texts swift "$swift/share/swift"
# Foundation holds ICU, whose text is not in the toolchain.
icu=$(find /usr/share/doc -path '*libicu[0-9]*/copyright' | sort | tail -1)
[ -n "$icu" ] || { echo "release: ICU's licence text is missing: apt-get install libicu72" >&2; exit 1; }
mkdir "$root/licenses/icu" && cp "$icu" "$root/licenses/icu/"

# The newest version of the C library that anything here asks for.
glibc=$(cat "$root"/bin/* "$root"/lib/* | grep -aoE 'GLIBC_2\.[0-9]+' | sort -Vu | tail -1)
cat >"$root/README" <<TEXT
FusedInf $version for Linux on $(uname -m): an on-demand inference server for ONNX models on small machines.

It needs glibc ${glibc#GLIBC_} or newer (\`ldd --version\` shows yours), libstdc++, zlib and libgomp. On Debian and Ubuntu:
  apt-get install libgomp1 libstdc++6 zlib1g

Unpack it anywhere, and run in its folder:
  bin/fusedinf add MODEL.onnx
  bin/fusedinf serve --budget 256MiB
Then open http://localhost:8000/. \`bin/fusedinf --help\` lists all commands; \`bin/fusedinf doctor\` reports what will be slow on this
machine, and how to fix it.

docs/serving.md     the server: settings, access control, limits, monitoring
docs/deploying.md   systemd, containers, Kubernetes, Prometheus; the files are in examples/
licenses/           the licences of all parts
TEXT
cp LICENSE "$root/"
git ls-files -z -- examples docs Server/Protos | xargs -0 cp --parents -t "$root"
tar --sort=name --owner=0 --group=0 --numeric-owner -C "$work" -cf - "$name" | gzip -n >"$work/release"
mv "$work/release" "dist/$name.tar.gz"
# A name that stays; no symbolic link, which container builders would copy as it is.
ln -f "dist/$name.tar.gz" dist/fusedinf.tar.gz
echo "release: dist/$name.tar.gz, $(du -h "dist/$name.tar.gz" | cut -f1)"
