"""Files and folders: sources, staging, sidecars, claims, locks.

Hands and commands call these functions; none of them knows the state file. Whatever the operating system says of a
path becomes an error of the project's tree in `trouble`. The surprise: a rename is the only tool here that is
trusted to be whole, so every write that others may see ends in one.
"""
