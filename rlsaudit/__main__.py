"""`python -m rlsaudit`."""

from rlsaudit.cli import main

main()
