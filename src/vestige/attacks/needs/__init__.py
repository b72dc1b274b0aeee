"""What attacks ask for, one file for each kind: which task makes it, how it is read, sliced, planted and refused."""
