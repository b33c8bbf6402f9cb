"What runs a submission, and the walls around it"
