"What students do to their notebooks by accident, undone, and said in words"
