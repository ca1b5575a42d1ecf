/* Row kernels over stored rows of float16, bfloat16, float32 and float64, and over codes: the functions that Python calls.

   The NumPy twins (logspace.py, pairs.py, divergence.py, jensen.py, counting.py) are the specification and state the edge rules; the
   headers state what is particular to each kernel. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "rows_counts.h"
#include "rows_label.h"
#include "rows_run.h"

/* What is wrong with n rows of c entries and a temperature, or NULL. */
static const char *wrong_size(Py_ssize_t n, Py_ssize_t c, double t) {
    if (n < 0 || c < 1 || (n && c > PY_SSIZE_T_MAX / 24 / n) || c > PY_SSIZE_T_MAX / 64)
        return "n and c do not describe a block of rows";
    if (!(t >= 1e-100 && t <= 1e100)) return "temperature must lie in 1e-100..1e100";
    return NULL;
}

static const char *wrong_rows(const Py_buffer *x, int kind, Py_ssize_t n, Py_ssize_t c) {
    if (kind != HALF && kind != SINGLE && kind != DOUBLE && kind != BRAIN)
        return "dtype_code must be 2, 4 or 8 (bytes of a float) or 18 (bfloat16)";
    if (x->len != n * c * size_of(kind)) return "the rows have not n * c entries";
    return (uintptr_t)x->buf % (uintptr_t)size_of(kind) ? "unaligned buffer" : NULL;
}

static const char *wrong_results(const Py_buffer *out, Py_ssize_t entries) {
    if (out->len != entries * 8) return "the results do not fit into out";
    return (uintptr_t)out->buf % 8 ? "unaligned buffer" : NULL;
}

static const char *wrong_labels(const Py_buffer *y, Py_ssize_t n, Py_ssize_t c) {
    const int64_t *label = y->buf;
    if (y->len != n * 8) return "y must have n entries of 8 bytes";
    if ((uintptr_t)label % 8) return "unaligned buffer";
    for (Py_ssize_t i = 0; i < n; i++)
        if (label[i] < 0 || label[i] >= c) return "a label is not in 0..c-1";
    return NULL;
}

static PyObject *answered(const char *wrong) {
    if (!wrong) Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, wrong);
    return NULL;
}

PyDoc_STRVAR(surprisal_label_doc,
             "surprisal_label(x_buffer, dtype_code, n, c, y_buffer, temperature, out_buffer)\n--\n\n"
             "Write -log softmax(x / temperature)[label], in nats, of n rows of c floats of dtype_code into out_buffer\n"
             "(float64); y_buffer has int64 labels. The GIL is released.");

static PyObject *surprisal_label(PyObject *module, PyObject *args) {
    Py_buffer x, y, out;
    Py_ssize_t n, c;
    Temperature t;
    int kind;
    const char *wrong;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*inny*dw*:surprisal_label", &x, &kind, &n, &c, &y, &t.t, &out)) return NULL;
    wrong = wrong_size(n, c, t.t);
    if (!wrong) wrong = wrong_rows(&x, kind, n, c);
    if (!wrong) wrong = wrong_labels(&y, n, c);
    if (!wrong) wrong = wrong_results(&out, n);
    if (!wrong) {
        t.inverse = 1.0 / t.t;
        Py_BEGIN_ALLOW_THREADS
        surprisal_rows(kind, x.buf, n, c, y.buf, t, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&x);
    PyBuffer_Release(&y);
    PyBuffer_Release(&out);
    return answered(wrong);
}

/* Check the buffers and run a measure of one or two sides, without the GIL. */
static PyObject *measured(const Measure *m, const Py_buffer *sides, const int *kinds, Py_ssize_t n, Py_ssize_t c,
                          double t, const Py_buffer *out) {
    Stored from[2];
    Bundle w;
    const char *wrong = wrong_size(n, c, t);
    for (int i = 0; i < m->sides && !wrong; i++) {
        wrong = wrong_rows(&sides[i], kinds[i], n, c);
        from[i].x = sides[i].buf, from[i].kind = kinds[i];
    }
    if (!wrong) wrong = wrong_results(out, m->matrices ? m->matrices * n * c : n);
    if (wrong) return answered(wrong);
    w.t.t = t, w.t.inverse = 1.0 / t;
    if (!make_room(&w, c, m->sides)) return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS
    run_rows(&w, m, from, n, c, out->buf);
    Py_END_ALLOW_THREADS
    PyMem_Free(w.memory);
    Py_RETURN_NONE;
}

static PyObject *of_one(const Measure *m, PyObject *args) {
    Py_buffer x, out;
    Py_ssize_t n, c;
    double t;
    int kind;
    if (!PyArg_ParseTuple(args, "y*inndw*", &x, &kind, &n, &c, &t, &out)) return NULL;
    PyObject *answer = measured(m, &x, &kind, n, c, t, &out);
    PyBuffer_Release(&x);
    PyBuffer_Release(&out);
    return answer;
}

static PyObject *of_two(const Measure *m, PyObject *args) {
    Py_buffer sides[2], out;
    Py_ssize_t n, c;
    double t;
    int kinds[2];
    if (!PyArg_ParseTuple(args, "y*iy*inndw*", &sides[0], &kinds[0], &sides[1], &kinds[1], &n, &c, &t, &out))
        return NULL;
    PyObject *answer = measured(m, sides, kinds, n, c, t, &out);
    PyBuffer_Release(&sides[0]);
    PyBuffer_Release(&sides[1]);
    PyBuffer_Release(&out);
    return answer;
}

#define ONE "(x_buffer, dtype_code, n, c, temperature, out_buffer)\n--\n\n"
#define TWO "(a_buffer, a_code, b_buffer, b_code, n, c, temperature, out_buffer)\n--\n\n"
#define DEFINE_METHOD(NAME, MEASURE, OF, SIGNATURE, TEXT)                                                              \
    PyDoc_STRVAR(NAME##_doc, #NAME SIGNATURE TEXT);                                                                    \
    static PyObject *NAME(PyObject *module, PyObject *args) {                                                          \
        (void)module;                                                                                                  \
        return OF(&MEASURE, args);                                                                                     \
    }
DEFINE_METHOD(entropy_of_logits_rows, entropy_logits, of_one, ONE, "Entropy of softmax(x / temperature), in nats.")
DEFINE_METHOD(entropy_of_table_rows, entropy_table, of_one, ONE, "Entropy of x / sum(x), in nats.")
DEFINE_METHOD(softmax_rows, softmax_logits, of_one, ONE, "softmax(x / temperature), n * c numbers.")
DEFINE_METHOD(log_softmax_rows, log_softmax_logits, of_one, ONE, "log softmax(x / temperature), n * c numbers.")
DEFINE_METHOD(kl_of_logits_rows, kl_logits, of_two, TWO, "KL(softmax(a / temperature) || softmax(b / temperature)).")
DEFINE_METHOD(kl_of_tables_rows, kl_tables, of_two, TWO, "KL(a / sum(a) || b / sum(b)), in nats.")
DEFINE_METHOD(js_of_logits_rows, js_logits, of_two, TWO, "Jensen-Shannon of softmax(a / temperature) and b's.")
DEFINE_METHOD(js_of_tables_rows, js_tables, of_two, TWO, "Jensen-Shannon of a / sum(a) and b / sum(b), in nats.")
DEFINE_METHOD(pair_of_logits_rows, pair_logits, of_two, TWO, "Three matrices: both softmaxes and log(q/p).")
DEFINE_METHOD(pair_of_tables_rows, pair_tables, of_two, TWO, "Three matrices: a / sum(a), b / sum(b) and log(q/p).")
DEFINE_METHOD(delta_of_logits_rows, delta_logits, of_two, TWO, "softmax(a / temperature) - softmax(b / temperature).")
DEFINE_METHOD(delta_of_tables_rows, delta_tables, of_two, TWO, "a / sum(a) - b / sum(b).")

PyDoc_STRVAR(delta_of_pair_doc, "delta_of_pair(p_buffer, q_buffer, t_buffer, out_buffer)\n--\n\n"
                                "Write p - q of float64 pair forms into out_buffer. The GIL is released.");

static PyObject *delta_of_pair(PyObject *module, PyObject *args) {
    Py_buffer from[3], out;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*y*y*w*:delta_of_pair", &from[0], &from[1], &from[2], &out)) return NULL;
    Py_ssize_t cells = out.len / 8;
    const char *wrong = wrong_results(&out, cells);
    for (int i = 0; i < 3 && !wrong; i++) wrong = wrong_results(&from[i], cells);
    if (!wrong) {
        Py_BEGIN_ALLOW_THREADS
        delta_of_forms(from[0].buf, from[1].buf, from[2].buf, cells, out.buf);
        Py_END_ALLOW_THREADS
    }
    for (int i = 0; i < 3; i++) PyBuffer_Release(&from[i]);
    PyBuffer_Release(&out);
    return answered(wrong);
}

PyDoc_STRVAR(count_tables_doc,
             "count_tables(codes_buffer, code_size, n, columns_buffer, strides_buffer, offsets_buffer, weights_buffer,"
             " out_buffer)\n--\n\n"
             "Add to the tables in out_buffer (int64) how often each combination of codes occurs in n rows, or the\n"
             "weights of those rows (int64; empty: one each). The codes are columns of unsigned integers of code_size\n"
             "bytes; columns and strides (int64) are m * k, offsets m + 1. The GIL is released.");

static const char *wrong_counting(const Py_buffer *from, const Py_buffer *out, Counting *c) {
    if (c->size != 1 && c->size != 2 && c->size != 4) return "code_size must be 1, 2 or 4";
    if (c->n < 0 || c->n > INT32_MAX) return "n must lie in 0..2^31-1";
    c->m = from[3].len / 8 - 1;
    if (c->m < 0 || from[1].len != from[2].len || (c->m ? from[1].len / 8 % c->m || !from[1].len : from[1].len != 0))
        return "columns and strides must have m * k entries, offsets m + 1";
    if (c->n && from[0].len % (c->n * c->size)) return "the codes are no columns of n entries";
    if (from[4].len && from[4].len != c->n * 8) return "weights must have n entries";
    for (int i = 0; i < 5; i++)
        if ((uintptr_t)from[i].buf % (i ? 8 : (uintptr_t)c->size)) return "unaligned buffer";
    if ((uintptr_t)out->buf % 8 || out->len % 8) return "unaligned buffer";
    c->k = c->m ? from[1].len / 8 / c->m : 0, c->width = c->n ? from[0].len / (c->n * c->size) : 0;
    c->codes = from[0].buf, c->columns = from[1].buf, c->strides = from[2].buf, c->offsets = from[3].buf;
    c->weights = from[4].len ? from[4].buf : NULL, c->out = out->buf;
    return NULL;
}

static PyObject *count_tables_rows(PyObject *module, PyObject *args) {
    Py_buffer from[5], out;
    Counting c;
    const char *wrong;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*iny*y*y*y*w*:count_tables", &from[0], &c.size, &c.n, &from[1], &from[2], &from[3],
                          &from[4], &out))
        return NULL;
    wrong = wrong_counting(from, &out, &c);
    c.most = wrong ? NULL : PyMem_Malloc((size_t)(c.width ? c.width : 1) * sizeof *c.most);
    if (c.most) {
        Py_BEGIN_ALLOW_THREADS
        wrong = count_tables(&c, out.len / 8);
        Py_END_ALLOW_THREADS
    }
    const int no_room = !c.most && !wrong;
    PyMem_Free(c.most);
    for (int i = 0; i < 5; i++) PyBuffer_Release(&from[i]);
    PyBuffer_Release(&out);
    return no_room ? PyErr_NoMemory() : answered(wrong);
}

#define METHOD(NAME) {#NAME, NAME##_rows, METH_VARARGS, NAME##_rows_doc}
static PyMethodDef methods[] = {
    {"surprisal_label", surprisal_label, METH_VARARGS, surprisal_label_doc},
    METHOD(entropy_of_logits), METHOD(entropy_of_table), METHOD(softmax),      METHOD(log_softmax),
    METHOD(kl_of_logits),      METHOD(kl_of_tables),     METHOD(js_of_logits), METHOD(js_of_tables),
    METHOD(pair_of_logits),    METHOD(pair_of_tables),   METHOD(delta_of_logits), METHOD(delta_of_tables),
    {"delta_of_pair", delta_of_pair, METH_VARARGS, delta_of_pair_doc},
    {"count_tables", count_tables_rows, METH_VARARGS, count_tables_doc},
    {0},
};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_rows", "Compiled row kernels.", 0, methods, slots, 0, 0, 0};

PyMODINIT_FUNC PyInit__rows(void) { return PyModuleDef_Init(&definition); }
