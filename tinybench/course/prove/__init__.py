"What shows that checks tell wrong from right"
