/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Score rows with LightGBM's C API, or with a model that TL2cgen compiled, and
 * time it without an interpreter.
 *
 *   usage: predict_c lightgbm LIB_LIGHTGBM.SO MODEL.TXT ROWS.F64 FEATURES
 *          predict_c tl2cgen  MODEL.SO        -         ROWS.F64 FEATURES
 *
 * It prints the margins of the first 64 rows as hexadecimal floats on one line.
 * Then, for each line that it reads (single, batch or contrib, and a number of
 * rows), it scores that many rows and prints the nanoseconds for one row.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 1024
#define THREADS "num_threads=1 predict_disable_shape_check=true"

union entry { int missing; double fvalue; };

static int (*create)(const char *, int *, void **);
static int (*mat)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *);
static int (*fast_init)(void *, int, int, int, int, int32_t, const char *, void **);
static int (*fast)(void *, const void *, int64_t *, double *);
static void (*compiled)(union entry *, int, double *);

static void *handle, *raw_config, *contrib_config;
static double *rows, *out;
static long nrows;
static int features;

static void die(const char *what) { fprintf(stderr, "predict_c: %s\n", what); exit(1); }

static void *symbol(void *lib, const char *name)
{
	void *s = dlsym(lib, name);
	if (!s) die(dlerror());
	return s;
}

static double single(const double *x)
{
	int64_t n;
	double r = 0;
	if (compiled) {
		static union entry e[1 << 16];
		for (int f = 0; f < features; f++)
			if (x[f] != x[f]) e[f].missing = -1; else e[f].fvalue = x[f];
		compiled(e, 1, &r);
		return r;
	}
	if (fast(raw_config, x, &n, &r)) die("SingleRowFast failed");
	return r;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 6) die("usage: predict_c lightgbm|tl2cgen LIB MODEL ROWS FEATURES");
	features = atoi(argv[5]);
	FILE *f = fopen(argv[4], "rb");
	if (!f || features < 1 || features > 1 << 16) die("cannot open the rows");
	fseek(f, 0, SEEK_END);
	nrows = ftell(f) / (8L * features);
	rewind(f);
	rows = malloc(8 * nrows * features);
	out = malloc(8 * BATCH * (features + 1L));
	if (nrows < BATCH || fread(rows, 8L * features, nrows, f) != (size_t)nrows) die("cannot read the rows");
	fclose(f);

	void *lib = dlopen(argv[2], RTLD_NOW);
	if (!lib) die(dlerror());
	if (!strcmp(argv[1], "lightgbm")) {
		int iterations;
		create = symbol(lib, "LGBM_BoosterCreateFromModelfile");
		mat = symbol(lib, "LGBM_BoosterPredictForMat");
		fast_init = symbol(lib, "LGBM_BoosterPredictForMatSingleRowFastInit");
		fast = symbol(lib, "LGBM_BoosterPredictForMatSingleRowFast");
		if (create(argv[3], &iterations, &handle) || fast_init(handle, 1, 0, -1, 1, features, THREADS, &raw_config) ||
		    fast_init(handle, 3, 0, -1, 1, features, THREADS, &contrib_config))
			die("LightGBM cannot load the model");
	} else {
		compiled = symbol(lib, "predict");
	}
	for (int i = 0; i < 64; i++) printf("%a ", single(rows + (long)i * features));
	printf("\n");
	fflush(stdout);

	char what[16];
	long n, at = 0;
	int64_t len;
	double sink = 0;
	while (scanf("%15s %ld", what, &n) == 2) {
		double start = now();
		if (!strcmp(what, "batch")) {
			n = (n + BATCH - 1) / BATCH * BATCH;
			at %= nrows - BATCH + 1;
			for (long i = 0; i < n; i += BATCH, at = (at + BATCH) % (nrows - BATCH + 1)) {
				if (compiled)
					for (int k = 0; k < BATCH; k++) sink += single(rows + (at + k) * features);
				else if (mat(handle, rows + at * features, 1, BATCH, features, 1, 1, 0, -1, THREADS, &len, out))
					die("PredictForMat failed");
			}
		} else if (!strcmp(what, "contrib")) {
			for (long i = 0; i < n; i++, at = (at + 1) % nrows)
				if (fast(contrib_config, rows + at * features, &len, out)) die("contrib failed");
		} else {
			for (long i = 0; i < n; i++, at = (at + 1) % nrows) sink += single(rows + at * features);
		}
		printf("%f\n", (now() - start) / n);
		fflush(stdout);
	}
	return sink == 0.123;
}
