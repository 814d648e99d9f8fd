"""The payments service: cash. It books what banks report, applies it to issued calls, and holds what does not fit."""
