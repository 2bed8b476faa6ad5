"""The network over the ranks of MPI."""
