"""What a reader must know before believing the numbers of a study, one check a file: found by a walk of this package,
so that a new one is a new file and its page in `docs/checks/`, and no other edit.
"""
