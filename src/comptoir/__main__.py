"""`python -m comptoir` is the command `comptoir`."""

from comptoir.entrypoints.cli import main

if __name__ == "__main__":
    main()
