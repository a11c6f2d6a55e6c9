"""One file a protocol or library, all behind the same Protocols; errors classified."""
