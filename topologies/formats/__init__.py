"""One module a file format; :mod:`topologies.files` chooses by suffix."""
