"""Carry questions out, at the pace that servers allow, and lose no answer."""
