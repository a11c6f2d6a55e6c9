"""What runs in Rucio's own environment, where lakecheck is not: hence the relative imports."""
