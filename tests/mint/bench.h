/*
 * Many distinct leaves quickly: one is minted, its serial number and address are rewritten in
 * place, and it is signed again.  About 1.2 KB each (an RSA-2048 key, all extensions of a
 * multipurpose sponsor-validated leaf), under one P-256 intermediate.
 */
#ifndef TESTS_MINT_BENCH_H
#define TESTS_MINT_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Writes a file in the format of mintfile.h with count leaves; seed makes those of two files
 * differ.  False when a write fails. */
bool mint_bench(FILE *out, uint32_t count, uint64_t seed);

#endif
