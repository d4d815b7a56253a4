"""From a response to pictures; only `request` and `models` can be imported without torch."""
