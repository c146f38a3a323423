"""A second opinion on the service: an emulator that shares nothing with the sandbox or with the tests' fakes.

Written from what is known of the real API alone, and where sources disagree it takes the other side: `success` as a
string, errors in `data.message`, slashes escaped, files on a second host. It only counts and keeps; tests judge.

`Emulator` has an account, and is for the whole job; `Stranger` speaks every call of the API, and is for the client.
"""

from tests.real.emulator.account import Quirks
from tests.real.emulator.serve import Emulator, Violation
from tests.real.emulator.stranger import Said, Stranger

__all__ = ["Emulator", "Quirks", "Said", "Stranger", "Violation"]
