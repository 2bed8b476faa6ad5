"""What is solved: minimisers and the TV problem of P2, from CVXPY and polished."""
