"The official sets of the tasks, which do not ship: where they are, how to tell and to read them"
