"""How the nodes are: what each says of itself, what is made of it, and who is told."""
