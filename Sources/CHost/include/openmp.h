// The OpenMP runtime that the kernel library brought along, found at run time: nothing here links to one.
#pragma once

/// Sets how many threads the parallel regions of the calling thread use from now on.
/// Answers 0 when the process has no OpenMP runtime (a kernel library that runs on one thread), else 1.
int fi_set_openmp_threads(int count);
