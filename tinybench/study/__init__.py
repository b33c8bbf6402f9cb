"What channels last, bfloat16 and torch.compile do to a PyTorch network, measured in turns, with the reasons"
