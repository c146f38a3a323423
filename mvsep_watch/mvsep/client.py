"""The client: every endpoint of the service as a typed method. What an answer means is decided elsewhere.

    Client = Separations, Accounts, Site, Quality: one method per endpoint, by rooms
    Client → wire (connections, pace, time-outs) → service
           ← envelope (status, JSON, words) ← parse, catalogue (values) or refusals (errors)

It keeps no state of its own, retries nothing, and is safe to use from several threads.

The surprise: `get` goes to whichever host made the separation, and so it goes without the token.
"""

from __future__ import annotations

from mvsep_watch.mvsep.accounts import Accounts
from mvsep_watch.mvsep.quality import Quality
from mvsep_watch.mvsep.separations import Separations
from mvsep_watch.mvsep.site import Site


class Client(Separations, Accounts, Site, Quality):
    """A client of the MVSEP API.

    Args:
        token: The account's API token; it appears in no message, log or repr. What needs none works without it: the
            catalogue, news, demos, queues, `login`, `register`, and reading the quality checker.
        base_url: The service, one of its mirrors, or a sandbox. Plain http only on this machine.
        timeout_s: To connect, and between reads and writes, seconds. An upload has no total limit, and after its last
            byte the answer is waited for at least 10 minutes.
        transport: Used for everything instead of the network.
        upload_linger_window_s: How long after a broken upload its outcome is looked for; bounds how long unacknowledged
            bytes may live.
        pace: The shared limiter, where several clients ask for one account.
        upload_rate, download_rate: What all uploads, and all downloads, wait for together.

    Raises:
        ConfigError: The base URL cannot be used.
    """
