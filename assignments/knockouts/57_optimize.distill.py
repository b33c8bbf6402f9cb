"Known answers to the exercises of 57_optimize.distill, for `tinybench course prove`."

# %% soft-gradient wrong: without the temperature of the division
def soft_gradient(s, t, T):
    return (softmax_fwd(s/T) - softmax_fwd(t/T))/len(s)

# %% soft-gradient wrong: of the sum over rows
def soft_gradient(s, t, T):
    return (softmax_fwd(s/T) - softmax_fwd(t/T))/T

# %% soft-gradient wrong: uphill
def soft_gradient(s, t, T):
    return (softmax_fwd(t/T) - softmax_fwd(s/T))/(T*len(s))

# %% soft-gradient wrong: the mean of two rows, always
def soft_gradient(s, t, T):
    return (softmax_fwd(s/T) - softmax_fwd(t/T))/(T*2)

# %% soft-gradient wrong: divides the logits it was given
def soft_gradient(s, t, T):
    s /= T; t /= T
    return (softmax_fwd(s) - softmax_fwd(t))/(T*len(s))

# %% soft-gradient wrong: divided by T twice, as if it were multiplied by T squared later
def soft_gradient(s, t, T):
    return (softmax_fwd(s/T) - softmax_fwd(t/T))/(T*T*len(s))

# %% soft-gradient wrong: the mean over all numbers
def soft_gradient(s, t, T):
    return (softmax_fwd(s/T) - softmax_fwd(t/T))/(T*s.size)

# %% soft-gradient wrong: the temperature for the student only
def soft_gradient(s, t, T):
    return (softmax_fwd(s/T) - softmax_fwd(t))/(T*len(s))

# %% soft-gradient right: by the machine
def soft_gradient(s, t, T):
    leaf = Tensor(s.copy(), requires_grad=True)
    kl(t/T, leaf/T).backward()
    return leaf.grad

# %% soft-loss wrong: without T squared
def soft_loss(outputs, answers, T):
    return kl(answers/T, outputs/T)

# %% soft-loss wrong: times T
def soft_loss(outputs, answers, T):
    return kl(answers/T, outputs/T)*T

# %% soft-loss wrong: the other divergence
def soft_loss(outputs, answers, T):
    return kl(outputs/T, answers/T)*T**2

# %% soft-loss wrong: a number without a history
def soft_loss(outputs, answers, T):
    return Tensor(kl(answers/T, outputs.data/T).data*np.float32(T)**2, requires_grad=True)

# %% soft-loss wrong: the squared difference of the logits, which it is only in the heat
def soft_loss(outputs, answers, T):
    d = outputs - answers
    d = d - d.mean(1, keepdims=True)
    return (d*d).sum(1).mean()/(2*answers.shape[1])

# %% soft-loss wrong: a cross-entropy, with the teacher's own entropy in it
def soft_loss(outputs, answers, T):
    return -(softmax_fwd(answers/T)*(outputs/T).log_softmax()).sum(1).mean()*T**2

# %% soft-loss wrong: in double precision
def soft_loss(outputs, answers, T):
    p = softmax_fwd(answers.astype(float)/T)
    return (p*(np.log(p) - (outputs/T).log_softmax())).sum(1).mean()*T**2

# %% soft-loss wrong: the mean over all numbers
def soft_loss(outputs, answers, T):
    return kl(answers/T, outputs/T)*(T**2/answers.shape[1])

# %% soft-loss wrong: the labels that the teacher would give
def soft_loss(outputs, answers, T):
    return cross_entropy(outputs/T, answers.argmax(1))*T**2

# %% soft-loss wrong: probabilities where logits are expected
def soft_loss(outputs, answers, T):
    return kl(softmax_fwd(answers/T), outputs/T)*T**2

# %% soft-loss right: written out
def soft_loss(outputs, answers, T):
    p = softmax_fwd(answers/T)
    return (p*(np.log(p) - (outputs/T).log_softmax())).sum(1).mean()*T**2

# %% answers wrong: asks for each example alone
def answers(teacher, x, batch=256):
    with evaluating(teacher): return np.concatenate([teacher(Tensor(row[None])).data for row in x])

# %% answers wrong: all at once
def answers(teacher, x, batch=256):
    with evaluating(teacher): return teacher(Tensor(x)).data

# %% answers wrong: without the last, smaller batch
def answers(teacher, x, batch=256):
    with evaluating(teacher):
        return np.concatenate([teacher(Tensor(x[i:i+batch])).data
                               for i in range(0, len(x) - batch + 1, batch)])

# %% answers wrong: as in training
def answers(teacher, x, batch=256):
    return np.concatenate([teacher(Tensor(x[i:i+batch])).data for i in range(0, len(x), batch)])

# %% answers wrong: leaves the teacher in evaluation mode
def answers(teacher, x, batch=256):
    teacher.eval()
    return np.concatenate([teacher(Tensor(x[i:i+batch])).data for i in range(0, len(x), batch)])

# %% answers wrong: leaves the teacher in training mode
def answers(teacher, x, batch=256):
    teacher.eval()
    out = np.concatenate([teacher(Tensor(x[i:i+batch])).data for i in range(0, len(x), batch)])
    teacher.train()
    return out

# %% answers wrong: probabilities
def answers(teacher, x, batch=256):
    with evaluating(teacher):
        return np.concatenate([softmax_fwd(teacher(Tensor(x[i:i+batch])).data)
                               for i in range(0, len(x), batch)])

# %% answers wrong: the last batch once more for all that is missing
def answers(teacher, x, batch=256):
    with evaluating(teacher):
        out = [teacher(Tensor(x[i:i+batch])).data for i in range(0, len(x), batch)]
        out[-1] = teacher(Tensor(x[-batch:])).data[-len(out[-1]):]
    return np.concatenate(out)

# %% answers wrong: puts all layers back into the mode of the whole
def answers(teacher, x, batch=256):
    mode = teacher.training
    teacher.eval()
    out = np.concatenate([teacher(Tensor(x[i:i+batch])).data for i in range(0, len(x), batch)])
    teacher.train(mode)
    return out

# %% answers right: in pieces of about the same size
def answers(teacher, x, batch=256):
    out = []
    while len(x):
        with evaluating(teacher): out.extend(teacher(Tensor(x[:batch])).data)
        x = x[batch:]
    return np.stack(out)

# %% distill wrong: goes on training the teacher
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    fit(teacher, batches(rng=rng), epochs, opt(teacher.parameters()), progress=False)
    return teacher

# %% distill wrong: learns the labels, and never asks
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    net = student(rng)
    fit(net, batches(rng=rng), epochs, opt(net.parameters()), progress=False)
    return net

# %% distill wrong: another student each time
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng()
    net = student(rng)
    lessons = Taught(batches(rng=rng), teacher)
    fit(net, lessons, epochs, opt(net.parameters()), distill_loss(T, alpha), progress=False)
    return net

# %% distill wrong: always at the temperature 4
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    net = student(rng)
    fit(net, Taught(batches(rng=rng), teacher), epochs, opt(net.parameters()), distill_loss(), progress=False)
    return net

# %% distill wrong: its own optimizer
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    net = student(rng)
    lessons = Taught(batches(rng=rng), teacher)
    fit(net, lessons, epochs, Adam(net.parameters()), distill_loss(T, alpha), progress=False)
    return net

# %% distill wrong: always one epoch
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    net = student(rng)
    lessons = Taught(batches(rng=rng), teacher)
    fit(net, lessons, 1, opt(net.parameters()), distill_loss(T, alpha), progress=False)
    return net

# %% distill wrong: does not pass on alpha
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    net = student(rng)
    lessons = Taught(batches(rng=rng), teacher)
    fit(net, lessons, epochs, opt(net.parameters()), distill_loss(T), progress=False)
    return net

# %% distill wrong: one order of the batches for all seeds
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    net = student(np.random.default_rng(seed))
    lessons = Taught(batches(rng=np.random.default_rng(0)), teacher)
    fit(net, lessons, epochs, opt(net.parameters()), distill_loss(T, alpha), progress=False)
    return net

# %% distill wrong: an epoch too many
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    net = student(rng)
    fit(net, Taught(batches(rng=rng), teacher), epochs + 1, opt(net.parameters()), distill_loss(T, alpha),
        progress=False)
    return net

# %% distill wrong: learns from the labels that the teacher would give
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    rng = np.random.default_rng(seed)
    net = student(rng)
    def hard(outputs, y): return cross_entropy(outputs, y['answers'].argmax(1))
    fit(net, Taught(batches(rng=rng), teacher), epochs, opt(net.parameters()), hard, progress=False)
    return net

# %% distill right: a generator for the weights and one for the batches
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    net = student(np.random.default_rng(seed))
    lessons = Taught(batches(rng=np.random.default_rng(seed)), teacher)
    fit(net, lessons, epochs, opt(net.parameters()), distill_loss(T, alpha), progress=False)
    return net

# %% distill right: epoch by epoch, with one optimizer
def distill(teacher, student, batches, epochs, opt=Adam, T=4., alpha=0., seed=0):
    generator = np.random.default_rng(seed)
    pupil, loss = student(generator), distill_loss(T, alpha)
    how, lessons = opt(pupil.parameters()), Taught(batches(rng=generator), teacher)
    for _ in range(epochs): fit(pupil, lessons, 1, how, loss=loss, progress=False)
    return pupil
