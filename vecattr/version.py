"""The version of this package: one string, read by the build, the CLI and every manifest."""

__version__ = "0.2.0"
