"""What requests_auth offers, under the same names: thin faces over grants, sources and stores."""
