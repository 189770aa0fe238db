"""The repository's own tools: the lints behind `make check`, the runners behind `make test`, the web build."""
