"""Expands `~` and `${VAR}` in paths and secrets. Reads the user database for `~`, and nothing else of the machine.

Only the braced form is a variable. A dollar by itself is refused, since `$HOME/drop` would otherwise become a folder
called `$HOME`. What comes out of a variable is not expanded again.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_DOLLAR = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)\}|)")
_ONLY_VARIABLES = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\})+")


@dataclass(frozen=True, slots=True)
class Expander:
    """Expands the texts of one file.

    Args:
        environ: The variables; never in a repr, since one of them may be the token.
        base: The folder that relative paths start from, absolute.
    """

    environ: Mapping[str, str] = field(repr=False)
    base: Path

    def text(self, text: str) -> str:
        """Put variables in.

        Raises:
            ValueError: A variable is not set, or a dollar is neither `${NAME}` nor `$$`.
        """
        return _DOLLAR.sub(self._variable, text)

    def path(self, text: str) -> Path:
        """Give an absolute path; symbolic links and `..` are left as they are.

        Raises:
            ValueError: As for `text`; or the home folder is not known, or the path holds a NUL.
        """
        expanded = self._home(text) if text.startswith("~") else self.text(text)
        if "\0" in expanded:
            raise ValueError("a path cannot hold the character NUL")
        if not expanded:
            raise ValueError("the path is empty")
        return self.base / expanded

    def _variable(self, found: re.Match[str]) -> str:
        dollar, name = found.groups()
        if dollar:
            return "$"
        if name is None:
            raise ValueError("found a dollar by itself; write ${NAME} for a variable, or $$ for a dollar")
        if name not in self.environ:
            raise ValueError(f"the environment variable {name} is not set")
        return self.environ[name]

    def _home(self, text: str) -> str:
        tilde, slash, rest = text.partition("/")
        return self._home_of(tilde[1:]) + slash + self.text(rest)

    def _home_of(self, user: str) -> str:
        if not user and self.environ.get("HOME"):
            return self.environ["HOME"]
        try:
            return (pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())).pw_dir
        except KeyError:
            raise ValueError(f"the home folder of {user or 'this user'} is not known") from None


def is_only_variables(text: str) -> bool:
    """Say whether a text consists of variables alone, so that the file itself gives nothing away."""
    return _ONLY_VARIABLES.fullmatch(text) is not None
