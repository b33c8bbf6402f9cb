"What those who teach run: look, build, hand out, collect, grade, tell"
