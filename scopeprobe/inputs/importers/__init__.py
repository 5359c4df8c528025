"""What identity products export of their applications, as clients files."""
