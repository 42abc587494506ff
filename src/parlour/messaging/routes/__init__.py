"""Operations of messaging in the 2010 API (channels.md §1.1)."""
