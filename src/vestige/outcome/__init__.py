"""What a study came to: its frames, the facts around them, and how both are walked through."""
