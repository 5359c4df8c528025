"""Provider packs: what is known of a provider before it is asked, as data files."""

from scopeprobe.providers.load import read_packs, shipped_packs

__all__ = ["read_packs", "shipped_packs"]
