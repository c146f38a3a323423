"""How others are told: people by notices, a watching service by pings, a measuring one by numbers.

A notice is sent by a process of its own, a ping is a bare request, numbers lie in a file or at a small server. All of
it may hang or fail, and none of it may matter: each has a time limit, a process that is late is killed with all that it
started, and nothing is tried twice here. What is told, and what follows when it was not, is the caller's business.
"""

from mvsep_watch.telling.teller import Teller

__all__ = ["Teller"]
