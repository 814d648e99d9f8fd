"""The front: one address for pages and for every service's API. It knows the services by their HTTP API alone."""
