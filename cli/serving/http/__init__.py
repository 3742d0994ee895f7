"""Requests over HTTP in, responses out: who may ask, what may be sent, the API and the pages."""
