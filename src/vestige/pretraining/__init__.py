"""Base models of any size, pretrained from scratch on texts of the user's choice, which no study's texts are among."""
