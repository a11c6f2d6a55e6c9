"""A Rucio server of the lake: its environment, its configuration, what runs inside it."""
