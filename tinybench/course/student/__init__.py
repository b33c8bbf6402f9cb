"What those who learn run: check, unlock, mend, hand in"
