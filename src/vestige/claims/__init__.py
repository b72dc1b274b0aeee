"""What is claimed of methods, held against a study under two protocols; and the numbers that others have published."""
