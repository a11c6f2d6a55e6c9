"""What executes cases: one file a kind, found by entry point."""
