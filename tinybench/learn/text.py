"C of training steps: packed weights, outer products, moments of channels, pools, losses, threads that wait"

# `vec`, `load`, `store` are those of the kernel; a load may read beyond a pixel, what is stored never is
HEAD = '''
#define ALONE static __attribute__((noinline))
typedef struct {{
    const float *x;         /* the images */
    const void *y;          /* labels, or targets */
    float *arena, *w, *g;   /* what lies between, parameters and their gradients */
    float *more;            /* gradients of the second thread and all after it */
    float *const *moving;   /* moving averages of each BatchNorm: mean, variance */
    int *here;              /* how many threads wait, and how often all did */
}} Step;
enum {{ SIZE = {size}, THREADS = {threads} }};
'''

TOGETHER = '''
/* waits until all threads are here */
static void together(const Step *s)
{
    const int round = __atomic_load_n(&s->here[1], __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&s->here[0], 1, __ATOMIC_ACQ_REL) == THREADS) {
        __atomic_store_n(&s->here[0], 0, __ATOMIC_RELAXED);
        __atomic_store_n(&s->here[1], round + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int i = 0; __atomic_load_n(&s->here[1], __ATOMIC_ACQUIRE) == round; i++)
        if (i > 2000) sched_yield();
}
'''

GATHERED = '''
/* the gradients of all threads in one */
static void gathered(const Step *s)
{
    for (int t = 1; t < THREADS; t++)
        for (int i = 0; i < SIZE; i++) s->g[i] += s->more[(size_t)(t - 1)*SIZE + i];
}
'''

PACKED = '''
/* weights (ni, nj, nk, outputs), whose axes are s.. apart, as blocks of `width` outputs read them */
static void packed(float *to, const float *w, const int ni, const int nj, const int nk, const int outputs,
    const int width, const int si, const int sj, const int sk, const int sf)
{
    for (int at = 0; at < outputs; at += width) {
        const int left = outputs - at < width ? outputs - at : width;
        for (int i = 0; i < ni; i++) for (int j = 0; j < nj; j++) for (int k = 0; k < nk; k++) {
            const float *from = w + i*si + j*sj + k*sk + at*sf;
            for (int f = 0; f < left; f++) to[f] = from[f*sf];
            to += (left + L - 1)/L*L;
        }
    }
}
'''

TILED = '''
/* depthwise weights (ni, nj, c), `again` times beside each other */
static void tiled(float *to, const float *w, const int ni, const int nj, const int c, const int again,
    const int si, const int sj)
{
    for (int i = 0; i < ni; i++) for (int j = 0; j < nj; j++)
        for (int k = 0; k < again; k++, to += c) memcpy(to, w + i*si + j*sj, sizeof(float)*c);
}
'''

ROWS = '''
/* how channels lie in vectors: some of them, pixel by pixel; or, if they are few, those of several pixels */
INLINE int beside(const int c) { return c < L && L % c == 0; }
INLINE int step(const int c) { return beside(c) ? L : c; }
INLINE int count(const int w, const int c) { return beside(c) ? (w*c + L - 1)/L : w; }
/* how many numbers of the vector at place j count, for the channels from f on */
INLINE int left(const int w, const int c, const int f, const int j) { return beside(c) ? w*c - j*L : c - f; }
/* numbers of c channels from f on, for each pixel of a vector */
INLINE vec around(const float *x, const int c, const int f)
{
    vec z = {0};
    if (!beside(c)) return load_part(x + f, c - f);
    UNROLL for (int k = 0; k < L; k++) z[k] = x[k % c];
    return z;
}
/* the sum over the pixels of a vector */
INLINE vec folded(vec z, const int c)
{
    if (beside(c)) UNROLL for (int k = c; k < L; k++) z[k % c] += z[k];
    return z;
}
INLINE vec part(const float *x, const int c, const int left)
{
    return beside(c) ? load_part(x, left) : load(x);
}
'''

SUMS = '''
/* for each channel the sum over the pixels of an image (h, w, c), whose rows are `row` numbers apart */
INLINE void sums(const float *x, const int row, const int h, const int w, const int c, const int first,
    float *to)
{
    for (int f = 0; f < c; f += L) {
        vec s[4] = {{0}};
        for (int i = 0; i < h; i++)
            for (int j = 0; j < count(w, c); j++)
                s[j & 3] += part(x + i*row + j*step(c) + f, c, left(w, c, f, j));
        s[0] = folded((s[0] + s[1]) + (s[2] + s[3]), c);
        if (!first) s[0] += load_part(to + f, c - f);
        store(to + f, s[0], c - f);
    }
}
'''

NORM = '''
/* a ReLU, which lets a NaN pass: otherwise the loss would not tell that a training has failed */
INLINE vec opened(vec z) { return (vec)((ints)z & ~(z <= 0)); }

/* for each channel of an image: the mean, and the sum of squared distances from it */
INLINE void moments(const float *x, const int row, const int h, const int w, const int c, float *to)
{
    for (int f = 0; f < c; f += L) {
        vec s[4] = {{0}}, d[4] = {{0}};
        for (int i = 0; i < h; i++)
            for (int j = 0; j < count(w, c); j++)
                s[j & 3] += part(x + i*row + j*step(c) + f, c, left(w, c, f, j));
        store(to + f, folded((s[0] + s[1]) + (s[2] + s[3]), c)/(float)(h*w), c - f);
        const vec mean = around(to, c, f);
        for (int i = 0; i < h; i++)
            for (int j = 0; j < count(w, c); j++) {
                const int n = left(w, c, f, j);
                vec z = load(x + i*row + j*step(c) + f) - mean;
                if (n < L && beside(c)) memset((float *)&z + n, 0, sizeof(float)*(L - n));
                d[j & 3] += z*z;
            }
        store(to + c + f, folded((d[0] + d[1]) + (d[2] + d[3]), c), c - f);
    }
}

/* from the moments of n images of `pixels`: mean, 1/deviation, gamma/deviation of all; moves the averages */
static void normal(const float *m, float *norm, const float *gamma, const int n, const int pixels,
    const int c, const float eps, const float momentum, float *moving_mean, float *moving_var)
{
    float *mean = norm, *inv = norm + c, *scale = norm + 2*c;
    for (int f = 0; f < 2*c; f++) norm[f] = 0;
    for (int i = 0; i < n; i++) for (int f = 0; f < c; f++) mean[f] += m[2*i*c + f];
    for (int f = 0; f < c; f++) mean[f] /= n;
    for (int i = 0; i < n; i++) for (int f = 0; f < c; f++) {
        const float d = m[2*i*c + f] - mean[f];
        inv[f] += m[(2*i + 1)*c + f] + pixels*d*d;
    }
    for (int f = 0; f < c; f++) {
        const float var = inv[f]/((float)n*pixels);
        inv[f] = 1/sqrtf(var + eps);
        scale[f] = gamma[f]*inv[f];
        moving_mean[f] = momentum*moving_mean[f] + (1 - momentum)*mean[f];
        moving_var[f] = momentum*moving_var[f] + (1 - momentum)*var;
    }
}

INLINE void normalized(const float *x, const int xrow, float *y, const int yrow, const float *norm,
    const float *beta, const int h, const int w, const int c, const int open)
{
    for (int f = 0; f < c; f += L) {
        const vec mean = around(norm, c, f), scale = around(norm + 2*c, c, f), shift = around(beta, c, f);
        for (int i = 0; i < h; i++)
            for (int j = 0; j < count(w, c); j++) {
                const vec z = (load(x + i*xrow + j*step(c) + f) - mean)*scale + shift;
                store(y + i*yrow + j*step(c) + f, open ? z : opened(z), left(w, c, f, j));
            }
    }
}

/* sums over an image of g, and of g times (x - mean); behind a ReLU only where that was open */
INLINE void norm_sums(const float *g, const int grow, const float *x, const int xrow, const float *norm,
    const float *beta, float *to, const int h, const int w, const int c, const int open)
{
    for (int f = 0; f < c; f += L) {
        const vec mean = around(norm, c, f), scale = around(norm + 2*c, c, f), shift = around(beta, c, f);
        vec s[2] = {{0}}, d[2] = {{0}};
        for (int i = 0; i < h; i++)
            for (int j = 0; j < count(w, c); j++) {
                const vec z = part(x + i*xrow + j*step(c) + f, c, left(w, c, f, j)) - mean;
                vec a = part(g + i*grow + j*step(c) + f, c, left(w, c, f, j));
                if (!open) a = (vec)((ints)a & (z*scale + shift > 0));
                s[j & 1] += a;
                d[j & 1] += a*z;
            }
        store(to + f, folded(s[0] + s[1], c), c - f);
        store(to + c + f, folded(d[0] + d[1], c), c - f);
    }
}

/* gradients of gamma and beta, and what the gradient of x needs of them */
static void norm_slopes(const float *m, float *norm, float *gamma, float *beta, const int n, const int pixels,
    const int c, const int new_gamma, const int new_beta)
{
    const float *inv = norm + c, *scale = norm + 2*c, all = (float)n*pixels;
    float *a = norm + 3*c, *b = norm + 4*c;
    for (int f = 0; f < 2*c; f++) a[f] = 0;
    for (int i = 0; i < n; i++) for (int f = 0; f < 2*c; f++) a[f] += m[2*i*c + f];
    for (int f = 0; f < c; f++) {
        const float db = a[f], dg = b[f]*inv[f];
        beta[f] = new_beta ? db : beta[f] + db;
        gamma[f] = new_gamma ? dg : gamma[f] + dg;
        a[f] = scale[f]*db/all;
        b[f] = scale[f]*inv[f]*dg/all;
    }
}

INLINE void norm_back(const float *g, const int grow, const float *x, const int xrow, const float *norm,
    const float *beta, float *dx, const int drow, const int h, const int w, const int c, const int open)
{
    for (int f = 0; f < c; f += L) {
        const vec mean = around(norm, c, f), scale = around(norm + 2*c, c, f), shift = around(beta, c, f);
        const vec k = around(norm + 3*c, c, f), m = around(norm + 4*c, c, f);
        for (int i = 0; i < h; i++)
            for (int j = 0; j < count(w, c); j++) {
                const vec z = load(x + i*xrow + j*step(c) + f) - mean;
                vec a = load(g + i*grow + j*step(c) + f);
                if (!open) a = (vec)((ints)a & (z*scale + shift > 0));
                store(dx + i*drow + j*step(c) + f, scale*a - k - z*m, left(w, c, f, j));
            }
    }
}
'''

POOLS = '''
/* the largest number of each window that lies in the image; below 0 it is 0 if `open` is not set */
INLINE void max_pool(const float *x, const int xrow, float *y, const int yrow, const int h, const int w,
    const int c, const int oh, const int ow, const int kh, const int kw, const int sh, const int sw,
    const int top, const int before, const int open)
{
    for (int r = 0; r < oh; r++) for (int q = 0; q < ow; q++) for (int f = 0; f < c; f += L) {
        vec best = (vec){0} + (open ? -INFINITY : 0);
        for (int i = 0; i < kh; i++) for (int j = 0; j < kw; j++) {
            const int a = r*sh + i - top, b = q*sw + j - before;
            if (a < 0 || a >= h || b < 0 || b >= w) continue;
            const vec z = load(x + a*xrow + b*c + f);
            const ints wins = ~(z <= best) & (best == best);     /* a NaN wins, and stays */
            best = (vec)(((ints)z & wins) | ((ints)best & ~wins));
        }
        store(y + r*yrow + q*c + f, best, c - f);
    }
}

/* the gradient goes to the first of the largest; it is added to `dx`, or all of it if windows only `touch` */
INLINE void max_back(const float *x, const int xrow, const float *y, const int yrow, const float *g,
    const int grow, float *dx, const int drow, const int h, const int w, const int c, const int oh,
    const int ow, const int kh, const int kw, const int sh, const int sw, const int top, const int before,
    const int open, const int touch)
{
    for (int r = 0; r < oh; r++) for (int q = 0; q < ow; q++) for (int f = 0; f < c; f += L) {
        const vec best = load(y + r*yrow + q*c + f);
        vec rest = load(g + r*grow + q*c + f);
        if (!open) rest = (vec)((ints)rest & (best > 0));
        for (int i = 0; i < kh; i++) for (int j = 0; j < kw; j++) {
            const int a = r*sh + i - top, b = q*sw + j - before;
            if (a < 0 || a >= h || b < 0 || b >= w) continue;
            const ints won = load(x + a*xrow + b*c + f) == best;
            float *to = dx + a*drow + b*c + f;
            vec z = (vec)((ints)rest & won);
            if (!touch) z += load_part(to, c - f);
            store(to, z, c - f);
            rest = (vec)((ints)rest & ~won);
        }
    }
}

/* the mean of each window's pixels; or, `back`, the gradient of that, from `y` to `x`, filled with zeros */
INLINE void avg_pool(float *x, const int xrow, float *y, const int yrow, const int h, const int w,
    const int c, const int oh, const int ow, const int kh, const int kw, const int sh, const int sw,
    const int top, const int before, const int back)
{
    for (int r = 0; r < oh; r++) for (int q = 0; q < ow; q++) {
        float *to = y + r*yrow + q*c;
        const int a = r*sh - top, b = q*sw - before, a0 = a < 0 ? 0 : a, b0 = b < 0 ? 0 : b;
        const int a1 = a + kh > h ? h : a + kh, b1 = b + kw > w ? w : b + kw;
        const float share = 1.f/((a1 - a0)*(b1 - b0));
        if (!back) for (int f = 0; f < c; f++) to[f] = 0;
        for (int i = a0; i < a1; i++) for (int j = b0; j < b1; j++) {
            float *from = x + i*xrow + j*c;
            for (int f = 0; f < c; f++)
                if (back) from[f] += share*to[f];
                else to[f] += share*from[f];
        }
    }
}
'''

OUTER = '''
/* gradient of weights ({parts}, {k}, {f}) over {h} x {w} pixels */
INLINE void {name}_block(const int P, const int V, const int left, const float *restrict x,
    const float *restrict g, float *restrict dw, const int images, const int first)
{{
    vec sum[P][V];
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
        sum[p][v] = first ? (vec){{0}} : load_part(dw + p*{f} + v*L, left - v*L);
    for (int n = 0; n < images; n++) for (int r = 0; r < {h}; r++) {{
        const float *a = x + n*{xi} + r*{xr}, *b = g + n*{gi} + r*{gr};
        for (int c = 0; c < {w}; c++, a += {xp}, b += {gp})
            UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
                sum[p][v] += a[p]*load(b + v*L);
    }}
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < V; v++)
        store(dw + p*{f} + v*L, sum[p][v], left - v*L);
}}
'''

TAPS = '''
/* gradient of {kh}x{kw} depthwise weights over {h} x {w} pixels of {c} channels */
INLINE void {name}_block(const float *restrict x, const float *restrict g, float *restrict dw,
    const int images, const int first, const int left)
{{
    vec sum[{kh}*{kw}];
    UNROLL for (int k = 0; k < {kh}*{kw}; k++) sum[k] = first ? (vec){{0}} : load_part(dw + k*{c}, left);
    for (int n = 0; n < images; n++) for (int r = 0; r < {h}; r++) for (int q = 0; q < {w}; q++) {{
        const float *from = x + n*{xi} + r*{xr} + q*{xp};
        const vec a = load(g + n*{gi} + r*{gr} + q*{c});
        UNROLL for (int i = 0; i < {kh}; i++) UNROLL for (int j = 0; j < {kw}; j++)
            sum[i*{kw} + j] += a*load(from + i*{row} + j*{c});
    }}
    UNROLL for (int k = 0; k < {kh}*{kw}; k++) store(dw + k*{c}, sum[k], left);
}}
static void {name}(const float *x, const float *g, float *dw, const int images, const int first)
{{
    for (int f = 0; f < {c}/L*L; f += L) {name}_block(x + f, g + f, dw + f, images, first, L);
    if ({c} % L) {name}_block(x + {c}/L*L, g + {c}/L*L, dw + {c}/L*L, images, first, {c} % L);
}}
'''

ZEROS = '''
/* zeros in h rows of `numbers`, which are `row` numbers apart */
INLINE void zeros(float *x, const int row, const int h, const int numbers)
{
    for (int i = 0; i < h; i++) memset(x + i*row, 0, sizeof(float)*numbers);
}
'''

LOSSES = {'cross_entropy': '''
/* -log softmax(x)[label] of one row of k numbers, and its gradient times `share` */
static void cross_entropy(const float *x, const void *y, const int n, float *dx, float *loss, const int k,
    const float share)
{
    const long long label = ((const long long *)y)[n];
    float top = -INFINITY, total = 0;
    for (int i = 0; i < k; i++) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < k; i++) total += dx[i] = expf(x[i] - top);
    *loss = (logf(total) - (x[label] - top))*share;
    for (int i = 0; i < k; i++) dx[i] *= share/total;
    dx[label] -= share;
}
'''}
PAIR = '''
/* {what}, of one row of k numbers, and the gradient, both times `share` */
static void {name}(const float *x, const void *y, const int n, float *dx, float *loss, const int k,
    const float share)
{{
    const float *t = (const float *)y + (size_t)n*k;
    double sum = 0;
    for (int i = 0; i < k; i++) {{
        const float d = x[i] - t[i];
        (void)d;
        sum += {value};
        dx[i] = share*({slope});
    }}
    *loss = (float)sum*share;
}}
'''
PAIRS = dict(
    mse=('squares of differences', 'd*d', '2*d'),
    l1=('differences', 'fabsf(d)', 'd > 0 ? 1.f : d < 0 ? -1.f : 0'),
    bce=('binary cross-entropy', 'fmaxf(x[i], 0) - x[i]*t[i] + log1pf(expf(-fabsf(x[i])))',
         '1/(1 + expf(-x[i])) - t[i]'))
LOSSES |= {name: PAIR.format(name=name, what=what, value=value, slope=slope)
           for name, (what, value, slope) in PAIRS.items()}
TOTAL = '''
static void total(float *loss, const int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += loss[i];
    loss[0] = (float)sum;
}
'''
