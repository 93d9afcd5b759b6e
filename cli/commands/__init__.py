"""The commands of `zbroker-admin`, one module each: see `cli.admin` for how they are found."""
