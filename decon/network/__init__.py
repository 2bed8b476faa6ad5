"""What carries messages: arcs, and sums and order statistics over them."""
