#!/bin/bash
# Runs the tests under AddressSanitizer and ThreadSanitizer, each in a build folder of its own.
# Usage: sanitize.sh [address] [thread] [concurrency]      address and thread, unless one is named
#
# ThreadSanitizer watches the stages that run on the null device: the code above the kernels, where the
# concurrency is, without libraries that it cannot see into.
set -euo pipefail
cd "$(dirname "$0")/.."
export PKG_CONFIG_PATH="$PWD/.deps/onednn/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export SWIFT_DETERMINISTIC_HASHING=1

address() {
  echo "sanitize: AddressSanitizer, all stages"
  # XCTest itself leaks, and no test here needs it. An allocation that cannot be is a test's own doing. The tests that
  # start the program are left out: what it says on standard error is compared, and the sanitizer speaks there too.
  ASAN_OPTIONS="allocator_may_return_null=1" LSAN_OPTIONS="suppressions=$PWD/scripts/lsan.supp:print_suppressions=0" \
    swift test --sanitize address --disable-xctest --scratch-path .build/asan --skip fusedinfTests --skip OperatorCaseTests
}

thread() {
  echo "sanitize: ThreadSanitizer, the stages above the kernels"
  FUSEDINF_ONLY=Tensors,ModelGraph,Device,GraphPasses,ModelStore,ModelCompiler,Linker,Residency,Executor,Scheduler \
    TSAN_OPTIONS="halt_on_error=1 allocator_may_return_null=1 ignore_noninstrumented_modules=1" \
    swift test --sanitize thread --disable-xctest --scratch-path .build/tsan
}

# The part of `thread` that is small enough for every run of continuous integration.
concurrency() {
  echo "sanitize: ThreadSanitizer, the device's and residency's state"
  FUSEDINF_ONLY=Device,Residency TSAN_OPTIONS="halt_on_error=1 allocator_may_return_null=1 ignore_noninstrumented_modules=1" \
    swift test --sanitize thread --disable-xctest --scratch-path .build/tsan-concurrency
}

for kind in "${@:-thread}" $([ $# = 0 ] && echo address); do
  "$kind"
done
echo "sanitize: clean"
