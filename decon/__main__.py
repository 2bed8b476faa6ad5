"""``python -m decon`` is the command line."""

from decon.cli import main

main()
