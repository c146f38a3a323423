"""Performs one step with the adapters, and returns what came of it. Never touches the store; decides nothing."""
