"""The stages: each is run from its JSON spec and the keys of its inputs alone, and leaves its files in a folder. One
file each, found by `registry`; what several of them share lies in a file named for what it does.
"""
