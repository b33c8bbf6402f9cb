"C of the optimizers: all parameters in one pass, and the numbers that a step of each needs"
from math import sqrt


HEAD = '''
/* the length of the gradients */
double length(const float *g, const long n)
{
    double sum = 0;
    for (long i = 0; i < n; i++) sum += (double)g[i]*g[i];
    return sqrt(sum);
}
'''
BODY = '''
/* one step of {name}; k: numbers of the method, and at last what the gradients are multiplied by */
void update(float *restrict w, const float *restrict slopes, float *restrict m, float *restrict v,
    const float *restrict k, const long n)
{{
    (void)m, (void)v;
    for (long i = 0; i < n; i++) {{
        {lines}
    }}
}}
'''
ADAM = ['m[i] = k[1]*m[i] + g;', 'v[i] = k[2]*v[i] + g*g;',
        'w[i] = w[i]*k[4] - k[0]*m[i]/(sqrtf(v[i]) + k[3]);']
# how many numbers, and what is done with each parameter
METHODS = dict(
    SGD=(4, ['g += k[2]*w[i];', 'm[i] = k[1]*m[i] + g;', 'w[i] -= k[0]*(k[3] != 0 ? g + k[1]*m[i] : m[i]);']),
    RMSprop=(4, ['g += k[3]*w[i];', 'v[i] = k[1]*v[i] + g*g;', 'w[i] -= k[0]*g/(sqrtf(v[i]) + k[2]);']),
    Adam=(5, ADAM), AdamW=(5, ADAM))

def update_code(method:str) -> str:
    "The C of an optimizer: functions `length` and `update`."
    last, lines = METHODS[method]
    lines = [f'float g = slopes[i]*k[{last}];', *lines]
    return HEAD + BODY.format(name=method, lines='\n        '.join(lines))

def update_numbers(opt, shorter:float) -> list[float]:
    "What `update` needs for the next step of `opt`, whose gradients are multiplied by `shorter`."
    rate, name = opt.rate(), type(opt).__name__
    if name == 'SGD': return [rate, opt.momentum, opt.decay, opt.nesterov, shorter]
    if name == 'RMSprop':
        scale = sqrt(1 - opt.rho)       # v is a sum: the mean is (1 - rho)*v
        return [rate/scale, opt.rho, opt.eps/scale, opt.decay, shorter]
    b1, b2 = opt.betas
    scale = sqrt((1 - b2)/(1 - b2**opt.t))
    kept = 1 - rate*opt.decay if name == 'AdamW' else 1
    return [rate*(1 - b1)/((1 - b1**opt.t)*scale), b1, b2, opt.eps/scale, kept, shorter]
