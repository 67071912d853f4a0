"""How Kiroku is deployed, and the checks of it: `make deploy-check`."""
