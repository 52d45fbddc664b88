"""`python -m tierbot` is the command `tierbot`."""

from tierbot.cli import main

if __name__ == "__main__":
    main()
