"""The edge to the Marketing API: the only user of ``facebook_business``."""
