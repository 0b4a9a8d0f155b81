// Functions that are compiled for several instruction sets, of which the machine's is chosen when the program starts.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// The choice runs before ThreadSanitizer is ready.
#define FI_CLONES
#endif
#endif
#if !defined(FI_CLONES) && defined(__x86_64__)
#define FI_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#ifndef FI_CLONES
#define FI_CLONES
#endif
