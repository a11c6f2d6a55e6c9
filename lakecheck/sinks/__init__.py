"""Where documents go: each sink is a file here (or anybody's), and one shipper serves all."""
