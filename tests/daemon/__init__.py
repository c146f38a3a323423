"""The daemon as a whole, in small worlds."""

import pytest

pytest.register_assert_rewrite("tests.daemon.invariants")
