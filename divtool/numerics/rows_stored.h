/* Rows as they are stored: float16, bfloat16, float32 and float64, widened exactly. */

#ifndef ROWS_STORED_H
#define ROWS_STORED_H

#include "rows_number.h"

/* The kinds of input; the lower four bits are the size. BRAIN is bfloat16. */
enum { HALF = 2, SINGLE = 4, DOUBLE = 8, BRAIN = 18 };
enum { ROW_AHEAD = 1 << 18 }; /* rows up to this size in bytes: the next is fetched meanwhile */
INLINE int size_of(int kind) { return kind & 15; }

/* A float16 as a float, exactly: its bits moved into place are 2^-112 times it, but for infinities and NaN. */
INLINE float widened(uint16_t h) {
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16, b;
    float f, scale = 0x1p112f;
    memcpy(&f, &magnitude, 4);
    f *= scale;
    memcpy(&b, &f, 4);
    b = (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : b) | sign;
    memcpy(&f, &b, 4);
    return f;
}

/* A bfloat16 is the upper half of a float. */
INLINE float widened_brain(uint16_t h) {
    uint32_t b = (uint32_t)h << 16;
    float f;
    memcpy(&f, &b, 4);
    return f;
}

INLINE double at(const void *x, Py_ssize_t i, int kind) {
    if (kind == BRAIN) return widened_brain(((const uint16_t *)x)[i]);
    if (kind == HALF) return widened(((const uint16_t *)x)[i]);
    if (kind == SINGLE) return ((const float *)x)[i];
    return ((const double *)x)[i];
}

typedef struct { double t, inverse; } Temperature;

#endif
