"""`python -m terrace.cli`, for shells where the script is not on the path."""

from terrace.cli import main

main()
