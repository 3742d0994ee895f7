"""The service: an index and an address in, answers over HTTP out (extra `serve`)."""
