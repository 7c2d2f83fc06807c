"""`python -m requests_auth_profiles` is `requests-auth`."""

from requests_auth_profiles.cli import main

if __name__ == "__main__":
    main()
