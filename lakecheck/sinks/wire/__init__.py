"""What sinks and sources share: protocols that no library speaks as carefully as is needed."""
