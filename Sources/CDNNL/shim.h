// oneDNN's C API for Swift, with the few macros that Swift does not import.
#pragma once
#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>
#else
#error "oneDNN >= 3.2 was not found: run 'make deps', then build with 'make build' (or export PKG_CONFIG_PATH=$PWD/.deps/onednn/lib/pkgconfig)"
#endif

#if DNNL_VERSION_MAJOR < 3 || (DNNL_VERSION_MAJOR == 3 && DNNL_VERSION_MINOR < 2)
#error "this oneDNN is too old: FusedInf needs 3.2 or newer; run 'make deps' to fetch it"
#endif

static inline int fi_arg_post_op(int index, int arg) { return DNNL_ARG_ATTR_MULTIPLE_POST_OP(index) | arg; }
