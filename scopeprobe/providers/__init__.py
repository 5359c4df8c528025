"""Provider packs: data files with what is known of a provider before it is asked."""

from scopeprobe.providers.load import read_packs, shipped_packs

__all__ = ["read_packs", "shipped_packs"]
