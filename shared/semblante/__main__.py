"""`python -m semblante`: the command line."""

from semblante.cli import main

main()
