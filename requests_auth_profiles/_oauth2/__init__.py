"""The OAuth 2.0 protocol: no cache, no configuration."""
