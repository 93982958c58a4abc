"""The first hour on an account: what is there, what it takes, and what has to be there before the first `up`."""
