"How often tinybench is right: its promises, tried on simulated machines whose truth is known"
