"""A Greengrass function's way to its core: invoke others, take work, give results."""
