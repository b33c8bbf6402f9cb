"Known answers to the exercises of 45_measure.system, for `tinybench course prove`."

# %% cpu-list wrong: without the last of a range
def cpu_list(text:str) -> list[int]:
    ends = [part.split('-') for part in text.split(',') if part.strip()]
    return [cpu for end in ends for cpu in (range(int(end[0]), int(end[1])) if end[1:] else [int(end[0])])]

# %% cpu-list wrong: CPUs of one digit only
def cpu_list(text:str) -> list[int]:
    return [cpu for part in text.split(',') if part for cpu in range(int(part[0]), int(part[-1]) + 1)]

# %% cpu-list wrong: only the first part may be a range
def cpu_list(text:str) -> list[int]:
    if not text: return []
    first, *rest = text.split(',')
    lo, _, hi = first.partition('-')
    return [*range(int(lo), int(hi or lo) + 1), *(int(part) for part in rest)]

# %% cpu-list wrong: the ends of a range, not what is between
def cpu_list(text:str) -> list[int]:
    return [int(n) for n in re.findall(r'\d+', text)]

# %% cpu-list wrong: an error for no CPU at all
def cpu_list(text:str) -> list[int]:
    cpus = []
    for part in text.split(','):
        lo, _, hi = part.partition('-')
        cpus += range(int(lo), int(hi or lo) + 1)
    return cpus

# %% cpu-list right: a loop over what a pattern finds
def cpu_list(text:str) -> list[int]:
    cpus = []
    for lo, hi in re.findall(r'(\d+)(?:-(\d+))?', text):
        cpu = int(lo)
        while cpu <= int(hi or lo):
            cpus.append(cpu)
            cpu += 1
    return cpus

# %% counted wrong: no turn
def counted(before:int, after:int, most:int) -> int:
    return after - before

# %% counted wrong: the step from the largest to 0 is forgotten
def counted(before:int, after:int, most:int) -> int:
    return (after - before)%most

# %% counted wrong: the way back
def counted(before:int, after:int, most:int) -> int:
    return abs(after - before)

# %% counted wrong: a full turn where nothing was counted
def counted(before:int, after:int, most:int) -> int:
    return after - before if after > before else after - before + most + 1

# %% counted wrong: floats, which cannot hold 64 bits
def counted(before:int, after:int, most:int) -> int:
    steps = float(after) - float(before)
    return int(steps if steps >= 0 else steps + most + 1)

# %% counted wrong: integers of numpy, which cannot hold 64 bits either
def counted(before:int, after:int, most:int) -> int:
    return int(np.mod(np.int64(after) - np.int64(before), np.int64(most) + 1))

# %% counted right: to the largest, the step to 0, and on
def counted(before:int, after:int, most:int) -> int:
    if after >= before: return after - before
    return (most - before) + 1 + after

# %% above-idle wrong: as if both had lasted equally long
def above_idle(joules:float, secs:float, idle_joules:float, idle_secs:float) -> float:
    return joules - idle_joules

# %% above-idle wrong: not below zero
def above_idle(joules:float, secs:float, idle_joules:float, idle_secs:float) -> float:
    return max(0., joules - idle_joules/idle_secs*secs)

# %% above-idle wrong: no sign
def above_idle(joules:float, secs:float, idle_joules:float, idle_secs:float) -> float:
    return abs(joules - idle_joules/idle_secs*secs)

# %% above-idle wrong: whole watts
def above_idle(joules:float, secs:float, idle_joules:float, idle_secs:float) -> float:
    return joules - idle_joules//idle_secs*secs

# %% above-idle wrong: the times swapped
def above_idle(joules:float, secs:float, idle_joules:float, idle_secs:float) -> float:
    return joules - idle_joules/secs*idle_secs

# %% above-idle wrong: watts instead of joules
def above_idle(joules:float, secs:float, idle_joules:float, idle_secs:float) -> float:
    return joules/secs - idle_joules/idle_secs

# %% above-idle right: a difference of powers, times the seconds
def above_idle(joules:float, secs:float, idle_joules:float, idle_secs:float) -> float:
    return (joules/secs - idle_joules/idle_secs)*secs
