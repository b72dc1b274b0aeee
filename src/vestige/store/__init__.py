"""Artefacts on disk, content-addressed, written so that a kill or a full disk leaves nothing half-true."""
