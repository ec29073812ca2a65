"""What the Greengrass core tells a function: its environment, function ARNs, its log."""
