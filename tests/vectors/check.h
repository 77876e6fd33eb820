/*
 * cmocka behind the headers that it wants before it, in the order that it wants.
 */
#ifndef TESTS_VECTORS_CHECK_H
#define TESTS_VECTORS_CHECK_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
