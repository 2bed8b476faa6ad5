"""What theory says, from spectra: theorems, exact answers, certificates."""

__all__: list[str] = []
