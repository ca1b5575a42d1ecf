/* Numbers in lanes: exp, log and the series of the divergences, with the same bits on every instruction set.

   They are written out here, with coefficients fitted for these files at Chebyshev nodes, because a library's differ
   from machine to machine. For the same reason the kernels are compiled with -ffp-contract=off, every fused
   multiply-add is explicit, and sums have a fixed order. Exponentials are kept times 2^200, so that none of them is
   subnormal; a sum is rounded once, when scaled back. */

#ifndef ROWS_NUMBER_H
#define ROWS_NUMBER_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define FMA __builtin_fma
#define PREFETCH(p) __builtin_prefetch(p, 0, 2)
#else
#define INLINE static __forceinline
#undef near /* words that windows.h takes away */
#undef far
#define FMA fma
#define PREFETCH(p) ((void)(p))
#endif

#define RESTRICT __restrict

/* One copy for each instruction set, chosen when the module is loaded: needs ifunc, hence glibc, and arch= names. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && \
    !defined(NO_CLONES)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

enum { LANES = 32 };

#define SCALE 200
#define SCALED_ONE 0x1p200
#define UNSCALE 0x1p-200
#define GONE 800.0 /* 2^18 e^-800 is far below half of the smallest subnormal, and 2^SCALE e^-800 a normal number */
#define MAGIC 0x1.8p52 /* adding it rounds to an integer, which then stands in the low bits */
#define LOG2_E 0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LN2 0x1.62e42fefa39efp-1
#define LARGEST 0x1.fffffffffffffp+1023

INLINE uint64_t bits_of(double x) { uint64_t b; memcpy(&b, &x, 8); return b; }
INLINE double double_of(uint64_t b) { double x; memcpy(&x, &b, 8); return x; }

INLINE uint64_t masked(int condition) { return 0u - (uint64_t)condition; }

/* x where the mask has ones, +0 elsewhere, whatever x is. */
INLINE double kept(double x, uint64_t mask) { return double_of(bits_of(x) & mask); }

/* a - b as a double and what that lacks. */
INLINE double difference(double a, double b, double *err) {
    double d = a - b, s = d - a;
    *err = (a - (d - s)) - (b + s);
    return d;
}

/* 2^SCALE e^-(d + err) for 0 <= d < GONE and |err| below an ulp of d; anything for other d. */
INLINE double scaled_exp(double d, double err) {
    double t = FMA(-d, LOG2_E, MAGIC + SCALE), k = t - (MAGIC + SCALE);
    double r = FMA(-k, LN2_LOW, FMA(-k, LN2_HIGH, -d)) - err;
    /* e^r = 1 + r + r^2 q(r); by pairs, because a chain of ten would wait for itself */
    double r2 = r * r, r4 = r2 * r2;
    double q0 = FMA(0x1.5555555555556p-3, r, 0x1.0000000000001p-1);
    double q2 = FMA(0x1.11111111109b3p-7, r, 0x1.5555555553d63p-5);
    double q4 = FMA(0x1.a01a01a7c41d5p-13, r, 0x1.6c16c1788bd90p-10);
    double q6 = FMA(0x1.71de0dae63bb3p-19, r, 0x1.a019b90d2ae7ap-16);
    double q8 = FMA(0x1.af38a9b0ec855p-26, r, 0x1.289185613a3d6p-22);
    double q = FMA(FMA(q8, r4, FMA(q6, r2, q4)), r4, FMA(q2, r2, q0));
    double p = FMA(q, r2, r) + 1.0;
    return double_of(bits_of(p) + (bits_of(t) << 52));
}

/* log(1 + s) for s >= 0: 1 + s = 2^k (1 + g) with its rounding kept; log(1 + g) = 2 atanh(w) with w = g/(2 + g). */
INLINE double log_1p(double s) {
    double y = 1.0 + s, b = y - 1.0, lost = (1.0 - (y - b)) + (s - b);
    uint64_t bits = bits_of(y), k = (bits - 0x3fe6a09e667f3bcdu) >> 52;
    double g = double_of(bits - (k << 52)) - 1.0;
    double whole = double_of(k | 0x4330000000000000u) - 0x1p52;
    double w = g / (2.0 + g), z = w * w;
    double r = 0x1.2b6688a387e03p-3;
    r = FMA(r, z, 0x1.39fd392179a95p-3);
    r = FMA(r, z, 0x1.7462bd8f7796ep-3);
    r = FMA(r, z, 0x1.c71c62c639fdep-3);
    r = FMA(r, z, 0x1.2492492e09d4dp-2);
    r = FMA(r, z, 0x1.9999999995204p-2);
    r = FMA(r, z, 0x1.5555555555558p-1);
    double low = FMA(whole, LN2_LOW, lost / y);
    return FMA(whole, LN2_HIGH, g - (w * FMA(-z, r, g) - low));
}

/* The logarithm of a quotient (high + high_low)/(low + low_low), for high >= low > 0, both normal and not above 2^1010.
   The smaller is taken to the size of the larger, where their difference is exact: near 1 nothing is lost. If it is of
   that size from the start, `apart` is the difference, if `known`. */
INLINE double log_quotient(double high, double high_low, double low, double low_low, int known, double apart) {
    uint64_t k = (bits_of(high) - bits_of(low) + 0x8000000000000u) >> 52, least = k < 1000 ? k : 1000;
    double near = double_of(bits_of(low) + (k << 52)), whole = double_of(k | 0x4330000000000000u) - 0x1p52;
    double near_low = low_low * double_of((least + 1023) << 52);
    double less = (high - near) + (high_low - near_low);
    double w = (known && !k ? apart : less) / (high + near), z = w * w;
    double r = 0x1.171fcac1eaa43p-3;
    r = FMA(r, z, 0x1.0e7b22d240537p-3);
    r = FMA(r, z, 0x1.3b2ab103a724cp-3);
    r = FMA(r, z, 0x1.745ca69dd4056p-3);
    r = FMA(r, z, 0x1.c71c72f1d7576p-3);
    r = FMA(r, z, 0x1.24924923d0287p-2);
    r = FMA(r, z, 0x1.9999999999f99p-2);
    r = FMA(r, z, 0x1.5555555555555p-1);
    return FMA(whole, LN2_HIGH, 2.0 * w + FMA(whole, LN2_LOW, w * (z * r)));
}

INLINE double log_ratio(double high, double high_low, double low, double low_low) {
    return log_quotient(high, high_low, low, low_low, 0, 0.0);
}

#define NEAR 1.5 /* up to this |t| p - q and the two divergences go by their series */

/* tanh(u/2) for |u| <= 1/2, odd to the bit. */
INLINE double half_tanh_of_little(double u) {
    double z = u * u, r = -0x1.59312e1532208p-25;
    r = FMA(r, z, 0x1.d5034691f591bp-22);
    r = FMA(r, z, -0x1.22682010f79c9p-18);
    r = FMA(r, z, 0x1.664f31d281cc8p-15);
    r = FMA(r, z, -0x1.ba1ba18c0eafap-12);
    r = FMA(r, z, 0x1.11111110fa162p-8);
    r = FMA(r, z, -0x1.55555555554c9p-5);
    r = FMA(r, z, 0x1.0000000000000p-1);
    return r * u;
}

/* tanh(t/2) for |t| <= NEAR, odd to the bit. */
INLINE double half_tanh(double t) {
    double z = t * t, r = -0x1.8c6f8be879633p-47;
    r = FMA(r, z, 0x1.3d643658d7145p-42);
    r = FMA(r, z, -0x1.1987878680bddp-38);
    r = FMA(r, z, 0x1.87b25e8b4685ap-35);
    r = FMA(r, z, -0x1.f2406c090b894p-32);
    r = FMA(r, z, 0x1.351748bf9a010p-28);
    r = FMA(r, z, -0x1.7d9c290d50823p-25);
    r = FMA(r, z, 0x1.d6d33fef1b1e7p-22);
    r = FMA(r, z, -0x1.226e317f1d2dfp-18);
    r = FMA(r, z, 0x1.664f48604d501p-15);
    r = FMA(r, z, -0x1.ba1ba1b9636f2p-12);
    r = FMA(r, z, 0x1.11111111100f7p-8);
    r = FMA(r, z, -0x1.5555555555544p-5);
    r = FMA(r, z, 0x1.0000000000000p-1);
    return r * t;
}

/* e^t - 1 - t for |t| <= NEAR. */
INLINE double kl_series(double t) {
    double r = 0x1.715425fc27a23p-53;
    r = FMA(r, t, 0x1.a0a7d4f70fa3bp-49);
    r = FMA(r, t, 0x1.ae5af9c416f7dp-45);
    r = FMA(r, t, 0x1.ae51d5cb83443p-41);
    r = FMA(r, t, 0x1.9397967811138p-37);
    r = FMA(r, t, 0x1.6124c04da03e8p-33);
    r = FMA(r, t, 0x1.1eed8ea51cd1ap-29);
    r = FMA(r, t, 0x1.ae64559ccb254p-26);
    r = FMA(r, t, 0x1.27e4fb7804235p-22);
    r = FMA(r, t, 0x1.71de3a569e80ep-19);
    r = FMA(r, t, 0x1.a01a01a01952ap-16);
    r = FMA(r, t, 0x1.a01a01a0184b3p-13);
    r = FMA(r, t, 0x1.6c16c16c16c1ep-10);
    r = FMA(r, t, 0x1.1111111111123p-7);
    r = FMA(r, t, 0x1.5555555555555p-5);
    r = FMA(r, t, 0x1.5555555555555p-3);
    r = FMA(r, t, 0.5);
    return r * t * t;
}

/* t/2 tanh(t/2) - log cosh(t/2) for |t| <= NEAR, even to the bit. */
INLINE double js_series(double t) {
    double z = t * t, r = -0x1.7cda64b646139p-48;
    r = FMA(r, z, 0x1.30823f2472d90p-43);
    r = FMA(r, z, -0x1.0d83b4d04f62ap-39);
    r = FMA(r, z, 0x1.75c08273fb3ccp-36);
    r = FMA(r, z, -0x1.d94b4af488e7cp-33);
    r = FMA(r, z, 0x1.23ea11eb44561p-29);
    r = FMA(r, z, -0x1.65c235f95065ap-26);
    r = FMA(r, z, 0x1.b531dada9cac2p-23);
    r = FMA(r, z, -0x1.0a3a57db50fc0p-19);
    r = FMA(r, z, 0x1.427a8dee14c87p-16);
    r = FMA(r, z, -0x1.82d82d8226b10p-13);
    r = FMA(r, z, 0x1.c71c71c71a815p-10);
    r = FMA(r, z, -0x1.fffffffffffdep-7);
    r = FMA(r, z, 0x1.0000000000000p-3);
    return r * z;
}

/* log(2 high/(high + low)) for high >= 4 low >= 0: 2 atanh((high - low)/(3 high + low)). */
INLINE double log_of_share(double high, double low) {
    double w = (high - low) / FMA(3.0, high, low), z = w * w;
    double r = 0x1.b8214afb62050p-3;
    r = FMA(r, z, 0x1.37344977e7b7cp-4);
    r = FMA(r, z, 0x1.22e2ef4dbb23cp-3);
    r = FMA(r, z, 0x1.38b9be284f220p-3);
    r = FMA(r, z, 0x1.74922929128b7p-3);
    r = FMA(r, z, 0x1.c71943618fb7ap-3);
    r = FMA(r, z, 0x1.249259916eb21p-2);
    r = FMA(r, z, 0x1.9999992c3d1c1p-2);
    r = FMA(r, z, 0x1.5555555629748p-1);
    r = FMA(r, z, 0x1.ffffffffff49ep+0);
    return w * r;
}

#endif
