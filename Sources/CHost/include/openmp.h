// The OpenMP runtime that the kernel library brought along, found at run time: nothing here links to one.
#pragma once

/// Sets how many threads the parallel regions of the calling thread use from now on.
/// Answers 0 when the process has no OpenMP runtime (a kernel library that runs on one thread), else 1.
int fi_set_openmp_threads(int count);

/// One part of a piece of work.
typedef void (*fi_part_function)(void *argument, int part, int parts);

/// Runs every part, in parallel on the threads that the kernel library's parallel regions run on: so they take no cores
/// beside its own. Returns when all have ended. Without an OpenMP runtime the parts run in turn.
void fi_openmp_parallel(int parts, fi_part_function run, void *argument);
