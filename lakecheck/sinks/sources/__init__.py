"""Where other systems' events come from: brokers, each a file here (or anybody's)."""
