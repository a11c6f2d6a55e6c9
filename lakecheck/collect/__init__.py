"""Other systems' state: events, and whatever else they tell."""
